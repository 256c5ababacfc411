// A SAML identity provider made of samlify: shows a form to sign in, takes signed requests only, and logs out in both
// directions. For attacks it also signs whatever it is given. Arguments: its port and the URL of the service's metadata,
// which is fetched when it is first needed; `POST /control/service {"metadata": "…"}` names another one.
import { createServer } from "node:http";
import { createSign, randomUUID } from "node:crypto";
import { DOMParser } from "@xmldom/xmldom";
import samlify from "samlify";
import { generate } from "selfsigned";
import { SignedXml } from "xml-crypto";

const { Constants, IdentityProvider, SamlLib, ServiceProvider } = samlify;
const [port, firstService] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const emailFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const dsig = "http://www.w3.org/2000/09/xmldsig#";
const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
const algorithms = {
  "rsa-sha1": `${dsig}rsa-sha1`,
  "rsa-sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  "rsa-sha512": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
};
const digests = {
  sha1: `${dsig}sha1`,
  sha256: "http://www.w3.org/2001/04/xmlenc#sha256",
  sha512: "http://www.w3.org/2001/04/xmlenc#sha512",
};
const tell = (line) => console.log(JSON.stringify(line));

// It ends with whoever started it: its standard input was at its end when it began.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500).unref();

/** A key and its certificate, PEM. */
async function newKey(commonName) {
  const notBeforeDate = new Date(Date.now() - 3_600_000);
  return generate([{ name: "commonName", value: commonName }], { keySize: 2048, algorithm: "sha256", notBeforeDate });
}

// The foreign one is in no metadata.
const keys = { own: await newKey("Provider"), foreign: await newKey("Stranger") };

// Schemas are not what is tested here; samlify refuses to run without a check of them.
samlify.setSchemaValidator({ validate: async () => "not checked" });
const both = (Location) => ["redirect", "post"].map((way) => ({ Binding: Constants.namespace.binding[way], Location }));
const signedLogout = { wantLogoutRequestSigned: true, wantLogoutResponseSigned: true };
const provider = IdentityProvider({
  entityID: `${origin}/metadata`,
  // The order that the schema has.
  elementsOrder: Constants.elementsOrder.idp.shibboleth,
  signingCert: keys.own.cert,
  privateKey: keys.own.private,
  wantAuthnRequestsSigned: true,
  nameIDFormat: [emailFormat],
  singleSignOnService: both(`${origin}/sso`),
  singleLogoutService: both(`${origin}/slo`),
  ...signedLogout,
});

let service = { url: firstService };
async function serviceProvider() {
  if (!service.known) {
    const answer = await fetch(service.url);
    if (!answer.ok) throw new Error(`the service's metadata: ${answer.status}`);
    service.known = ServiceProvider({ metadata: await answer.text(), ...signedLogout });
  }
  return service.known;
}

const template = SamlLib.defaultLoginResponseTemplate.context
  .replace("{AttributeStatement}", "")
  .replace(
    "{AuthnStatement}",
    '<saml:AuthnStatement AuthnInstant="{IssueInstant}" SessionIndex="{SessionIndex}"><saml:AuthnContext>' +
      "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport" +
      "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>",
  );

/** A response, XML. What is not given is as it should be. */
function respond({ acs, audience, inResponseTo, email, signed = "both", ...other }) {
  const soon = new Date(Date.now() + 300_000).toISOString();
  const until = other.notOnOrAfter ?? soon;
  let xml = SamlLib.replaceTagsByValue(template, {
    ID: `_${randomUUID()}`,
    AssertionID: other.assertionId ?? `_${randomUUID()}`,
    Issuer: other.issuer ?? provider.entityMeta.getEntityID(),
    IssueInstant: other.issueInstant ?? new Date().toISOString(),
    Destination: other.destination ?? acs,
    SubjectRecipient: other.recipient ?? acs,
    // Left out where there is none.
    InResponseTo: inResponseTo ?? undefined,
    Audience: audience,
    NameIDFormat: other.nameIdFormat ?? emailFormat,
    NameID: email,
    ConditionsNotBefore: other.notBefore ?? new Date(Date.now() - 5_000).toISOString(),
    ConditionsNotOnOrAfter: until,
    SubjectConfirmationDataNotOnOrAfter: until,
    SessionIndex: other.sessionIndex ?? `_${randomUUID()}`,
    StatusCode: Constants.StatusCode.Success,
  });
  const response = "/*[local-name(.)='Response']";
  const order = { both: ["/*[local-name(.)='Assertion']", ""], assertion: ["/*[local-name(.)='Assertion']"], response: [""], none: [] };
  for (const element of order[signed]) {
    const location = { reference: `${response}${element}/*[local-name(.)='Issuer']`, action: "after" };
    xml = SamlLib.constructSAMLSignature({
      rawSamlMessage: xml,
      referenceTagXPath: response + element,
      privateKey: keys.own.private,
      signingCert: provider.entityMeta.getX509Certificate("signing"),
      signatureConfig: { prefix: "ds", location },
      isBase64Output: false,
    });
  }
  return xml;
}

/** Signs one element (the whole document if the id is empty), well or badly. `location`: XPath of what it is put after. */
function sign(xml, { id, algorithm = "rsa-sha256", digest = "sha256", transforms, canonicalization, key = "own", keyInfo, location }) {
  const xpath = id === "" ? "/*" : `(//*[@ID='${id}'])[1]`;
  const signature = new SignedXml({
    privateKey: keys[key].private,
    publicCert: keyInfo ? keys[key].cert : undefined,
    signatureAlgorithm: algorithms[algorithm] ?? algorithm,
    canonicalizationAlgorithm: canonicalization ?? exclusive,
  });
  signature.addReference({
    xpath,
    isEmptyUri: id === "",
    transforms: transforms ?? [`${dsig}enveloped-signature`, exclusive],
    digestAlgorithm: digests[digest] ?? digest,
  });
  const elements = Array.from(new DOMParser().parseFromString(xml, "text/xml").getElementsByTagName("*"));
  const element = id === "" ? elements[0] : elements.find((one) => one.getAttribute("ID") === id);
  if (!element) throw new Error(`there is no element with the ID ${id}`);
  const issued = Array.from(element.childNodes).some((child) => child.localName === "Issuer");
  const usual = issued
    ? { reference: `(${xpath}/*[local-name(.)='Issuer'])[1]`, action: "after" }
    : { reference: xpath, action: "prepend" };
  const where = location ? { reference: location, action: "after" } : usual;
  signature.computeSignature(xml, { prefix: "ds", location: where });
  return signature.getSignedXml();
}

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const hidden = (fields) =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`)
    .join("");
const page = (body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Provider</title><body>${body}</body></html>`;

/** A message as samlify takes it, out of a query or of a form. */
function received({ method, query, fields }) {
  // The signature is over what was sent, still escaped.
  const raw = (name) => query.split("&").find((part) => part.startsWith(`${name}=`));
  const octetString = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg"].map(raw).filter(Boolean).join("&");
  return method === "POST" ? ["post", { body: fields }] : ["redirect", { query: fields, octetString }];
}

const asked = new Set();
const redirect = (location) => ({ status: 303, headers: { location } });
const routes = {
  "GET /metadata": async () => ({ type: "application/samlmetadata+xml", body: provider.getMetadata() }),
  async sso(request) {
    const sp = await serviceProvider();
    const { extract } = await provider.parseLoginRequest(sp, ...received(request));
    const acs = sp.entityMeta.getAssertionConsumerService("post");
    if (extract.issuer !== sp.entityMeta.getEntityID()) throw new Error(`a request by ${extract.issuer}`);
    if ((extract.request.assertionConsumerServiceUrl ?? acs) !== acs) throw new Error("the answer shall go elsewhere");
    const kept = hidden({ inResponseTo: extract.request.id, RelayState: request.fields.RelayState });
    const input = '<label>Email <input name="email" autofocus></label> <button>Sign in</button>';
    return { body: page(`<form method="post" action="/sign-in">${kept}${input}</form>`) };
  },
  async "POST /sign-in"({ fields: { email, inResponseTo, RelayState } }) {
    const { entityMeta } = await serviceProvider();
    const acs = entityMeta.getAssertionConsumerService("post");
    const sessionIndex = `_${randomUUID()}`;
    const xml = respond({ acs, audience: entityMeta.getEntityID(), inResponseTo, email, sessionIndex });
    tell({ signedIn: { email, sessionIndex } });
    const kept = hidden({ SAMLResponse: Buffer.from(xml).toString("base64"), RelayState });
    const form = `<form method="post" action="${escape(acs)}">${kept}<button>Continue</button></form>`;
    return { body: page(`${form}<script>document.forms[0].submit()</script>`) };
  },
  async slo(request) {
    const sp = await serviceProvider();
    const { SAMLResponse, RelayState: relayState } = request.fields;
    if (SAMLResponse === undefined) {
      const info = await provider.parseLogoutRequest(sp, ...received(request));
      if (info.extract.issuer !== sp.entityMeta.getEntityID()) throw new Error(`a request by ${info.extract.issuer}`);
      tell({ logoutRequested: { email: info.extract.nameID, sessionIndex: info.extract.sessionIndex } });
      return redirect(provider.createLogoutResponse(sp, info, "redirect", { relayState }).context);
    }
    // It refuses any status but success.
    const { extract } = await provider.parseLogoutResponse(sp, ...received(request));
    const { inResponseTo } = extract.response;
    if (!asked.delete(inResponseTo)) throw new Error(`an answer to ${inResponseTo}, which was not asked`);
    tell({ loggedOut: { status: "Success", inResponseTo, relayState } });
    return { body: page("Signed out: Success") };
  },
  async "GET /logout"({ fields: { email, sessionIndex, relayState } }) {
    const user = { logoutNameID: email, sessionIndex };
    const { id, context } = provider.createLogoutRequest(await serviceProvider(), "redirect", user, { relayState });
    asked.add(id);
    return redirect(context);
  },
  "GET /certificates": async () => ({ json: { own: keys.own.cert, foreign: keys.foreign.cert } }),
  "POST /sign": async ({ json }) => ({ json: { xml: json.sign.reduce(sign, json.xml) } }),
  async "POST /sign-query"({ json: { query, key = "own" } }) {
    return { json: { signature: createSign("RSA-SHA256").update(query).sign(keys[key].private, "base64") } };
  },
  "POST /respond": async ({ json }) => ({ json: { xml: respond(json) } }),
  async "POST /control/service"({ json: { metadata } }) {
    service = { url: metadata };
    return { json: {} };
  },
};
for (const name of ["sso", "slo"]) routes[`GET /${name}`] = routes[`POST /${name}`] = routes[name];

const server = createServer(async (request, response) => {
  try {
    const url = new URL(request.url, origin);
    const route = routes[`${request.method} ${url.pathname}`];
    if (!route) return response.writeHead(404).end();
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const isJson = request.headers["content-type"]?.startsWith("application/json");
    const fields = Object.fromEntries(request.method === "POST" ? new URLSearchParams(body) : url.searchParams);
    const received = { method: request.method, query: url.search.slice(1), fields, json: isJson && JSON.parse(body) };
    const { status = 200, headers, type = "text/html; charset=utf-8", json, ...answer } = await route(received);
    response.writeHead(status, { "content-type": json ? "application/json" : type, ...headers });
    response.end(json ? JSON.stringify(json) : answer.body);
  } catch (error) {
    response.writeHead(400, { "content-type": "text/plain; charset=utf-8" }).end(`Refused: ${error.message ?? error}`);
  }
});
server.listen(Number(port), "127.0.0.1", () => tell({ listening: Number(port) }));
