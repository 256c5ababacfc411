// A Portal unit made of nothing but libraries: OAuth (RFC 8628, RFC 7523), JOSE and graphql-ws. It asks for a code, waits
// until somebody has entered it, and then obeys its commands from boot to boot.
import { randomUUID } from "node:crypto";
import * as oauth from "oauth4webapi";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

const origin = argument(0);
const server = {
  issuer: origin,
  device_authorization_endpoint: `${origin}/oauth/device_authorization`,
  token_endpoint: `${origin}/oauth/token`,
};
const options = { [oauth.allowInsecureRequests]: true };
const me = { client_id: "portal" };
const { privateKey, publicKey } = await generateKeyPair(argument(1), { extractable: true });

async function pair() {
  const about = { serial: argument(2), model: "Unit of libraries", software_version: "1.0", jwk: JSON.stringify(await exportJWK(publicKey)) };
  const asked = await oauth.deviceAuthorizationRequest(server, me, oauth.None(), about, options);
  const code = await oauth.processDeviceAuthorizationResponse(server, me, asked);
  tell({ code });
  for (let interval = code.interval ?? 5; ; ) {
    await pause(interval * 1000);
    const polled = await oauth.deviceCodeGrantRequest(server, me, oauth.None(), code.device_code, options);
    try {
      return await oauth.processDeviceCodeResponse(server, me, polled);
    } catch (error) {
      if (!(error instanceof oauth.ResponseBodyError)) throw error;
      if (error.error === "slow_down") interval += 5;
      else if (error.error !== "authorization_pending") throw error;
      tell({ waits: error.error });
    }
  }
}

async function freshToken(deviceId) {
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: argument(1) })
    .setIssuer(deviceId)
    .setSubject(deviceId)
    .setAudience(server.token_endpoint)
    .setIssuedAt()
    .setExpirationTime("2m")
    .sign(privateKey);
  const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  const asked = await oauth.genericTokenEndpointRequest(server, me, oauth.None(), grant, { assertion }, options);
  return oauth.processGenericTokenEndpointResponse(server, me, asked);
}

const commands = `subscription Commands($after: Cursor) { deviceCommands(after: $after) { __typename
  ... on Welcome { deviceId epoch }
  ... on DesiredSettings { revision name }
  ... on DeviceCommand { commandId kind sequence attempt cursor }
  ... on StreamReset { reason }
  ... on Revoked { reason } } }`;
const report = `mutation Report($input: ReportStatusInput!) { reportStatus(input: $input) { userErrors { code message } } }`;
const acknowledge = `mutation Acknowledge($input: AcknowledgeCommandInput!) {
  acknowledgeCommand(input: $input) { userErrors { code message } } }`;

/** From one start to the next. Returns what is stored on "disk". */
async function boot(url, token, stored) {
  const client = connect(url, token);
  const status = { bootId: randomUUID(), softwareVersion: "1.0", connectedAccounts: ["portal_for_business"], settingsRevision: 0 };
  const send = () => once(client, report, { input: { ...status, lastSequence: stored?.sequence ?? 0 } });
  for await (const { data, errors } of client.iterate({ query: commands, variables: { after: stored?.cursor } })) {
    if (errors) throw new Error(JSON.stringify(errors));
    const frame = data.deviceCommands;
    tell({ frame });
    if (frame.__typename === "DesiredSettings") {
      status.settingsRevision = frame.revision;
      tell({ reported: await send() });
    }
    if (frame.__typename === "DeviceCommand") {
      const input = { commandId: frame.commandId, attempt: frame.attempt };
      tell({ acknowledged: await once(client, acknowledge, { input }) });
      await client.dispose();
      return { sequence: frame.sequence, cursor: frame.cursor };
    }
  }
  throw new Error("the stream has ended");
}

const granted = await pair();
tell({ granted: { device_id: granted.device_id, epoch: granted.epoch, token_type: granted.token_type } });
let stored = await boot(granted.dispatcher_url, granted.access_token);
for (;;) {
  // A unit that has restarted has no token any more.
  const { access_token } = await freshToken(granted.device_id);
  stored = await boot(granted.dispatcher_url, access_token, stored);
}
