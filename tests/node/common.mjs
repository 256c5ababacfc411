// What the scripts share. It is put in front of each of them: a module read from standard input has no neighbours.
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { createClient } from "graphql-ws";

const argument = (index) => process.argv[index + 2];
const tell = (line) => console.log(JSON.stringify(line));

/** A connection that is not made again when it ends: what ends it is told. */
function connect(url, token) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    lazyCloseTimeout: 1_000,
    on: {
      connected: () => tell({ connected: true }),
      closed: (event) => tell({ closed: event.code }),
    },
  });
}

/** The one result of a query or mutation. */
async function once(client, query, variables) {
  for await (const result of client.iterate({ query, variables })) {
    if (result.errors) throw new Error(JSON.stringify(result.errors));
    return result.data;
  }
  throw new Error("no result");
}
