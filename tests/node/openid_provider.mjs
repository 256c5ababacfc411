// An OpenID provider made of oidc-provider: asks for an email address and vouches for it; consent is given by itself.
// Arguments: its port, where its one client is sent back to after it signed in and after it signed out, the client's
// secret, and RS256 (or none) or ES256. `POST /control/rotate` signs with a new key from then on; the old one stays known.
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, redirectUri, postLogoutRedirectUri, secret, algorithm = "RS256"] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const tell = (line) => console.log(JSON.stringify(line));
// Remarks of the library are not for whoever reads the lines.
console.info = console.warn;

// It ends with whoever started it: its standard input was at its end when it began.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500).unref();

function newKey() {
  const [type, options] = algorithm === "RS256" ? ["rsa", { modulusLength: 2048 }] : ["ec", { namedCurve: "P-256" }];
  const jwk = generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
  return { ...jwk, kid: randomUUID(), use: "sig", alg: algorithm };
}

/** What the provider remembers, outside of it: what has expired it finds out itself. */
const kept = new Map();
class Memory {
  constructor(kind) {
    this.key = (id) => `${kind}:${id}`;
  }
  upsert = async (id, payload) => void kept.set(this.key(id), payload);
  find = async (id) => kept.get(this.key(id));
  findByUid = async (uid) => [...kept].find(([key, payload]) => key.startsWith(this.key("")) && payload.uid === uid)?.[1];
  consume = async (id) => Object.assign(kept.get(this.key(id)), { consumed: Math.floor(Date.now() / 1000) });
  destroy = async (id) => void kept.delete(this.key(id));
  async revokeByGrantId(grantId) {
    for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
  }
}

/** Emails by subject. */
const people = new Map();
const page = (body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Provider</title><body>${body}</body></html>`;
const configuration = {
  adapter: Memory,
  clients: [
    {
      client_id: "work-accounts",
      client_secret: secret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutRedirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      id_token_signed_response_alg: algorithm,
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
  async findAccount(_, accountId) {
    const email = people.get(accountId);
    const email_verified = !email?.startsWith("unverified");
    return email && { accountId, claims: () => ({ sub: accountId, email, email_verified }) };
  },
  // Everything that is asked for is granted.
  async loadExistingGrant({ oidc: { client, session, provider } }) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid email");
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      async logoutSource(ctx, form) {
        ctx.body = page(`${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
      },
      async postLogoutSuccessSource(ctx) {
        ctx.body = page("Signed out");
      },
    },
  },
  async renderError(ctx, { error, error_description }) {
    ctx.type = "text/plain";
    ctx.body = `Refused: ${error}: ${error_description}`;
  },
};

let keys = [];
let provider;
/** The provider begins anew, with another key in front. Sessions and codes go on. */
function rotate() {
  keys = [newKey(), ...keys];
  provider = new Provider(issuer, { ...configuration, jwks: { keys } });
  const refused = (_, error) => tell({ refused: { error: error.error, description: error.error_detail ?? error.error_description } });
  for (const event of ["authorization.error", "grant.error", "userinfo.error", "end_session.error"]) provider.on(event, refused);
  provider.on("server_error", (_, error) => console.error(error));
  provider.on("end_session.success", () => tell({ loggedOut: true }));
  return { kid: keys[0].kid };
}

async function interact(request, response) {
  if (request.method === "GET") {
    // Fails unless the browser is the one that was sent here.
    await provider.interactionDetails(request, response);
    const input = '<label>Email <input name="email" autofocus></label> <button>Sign in</button>';
    return response.setHeader("content-type", "text/html; charset=utf-8").end(page(`<form method="post">${input}</form>`));
  }
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  const email = new URLSearchParams(body).get("email");
  const sub = `user-${createHash("sha256").update(email).digest("hex").slice(0, 16)}`;
  people.set(sub, email);
  tell({ signedIn: { email, sub } });
  return provider.interactionFinished(request, response, { login: { accountId: sub } });
}

rotate();
const server = createServer(async (request, response) => {
  try {
    if (request.url.startsWith("/interaction/")) return await interact(request, response);
    if (request.method === "POST" && request.url === "/control/rotate") return response.end(JSON.stringify(rotate()));
    return await provider.callback()(request, response);
  } catch (error) {
    response.writeHead(400, { "content-type": "text/plain; charset=utf-8" }).end(`Refused: ${error.message}`);
  }
});
server.listen(Number(port), "127.0.0.1", () => tell({ listening: Number(port) }));
