// What a single-page application has to do to log in by OpenID Connect, with nothing but what browsers bring along.
//
// Ways: "code" (code and PKCE, the modern one) and "implicit" (id_token token, the classic one); each by redirect, or
// silently in a hidden frame. The tokens stay in memory.

const settings = await (await fetch("/settings")).json();
const origin = new URL(settings.issuer).origin;
const ahead = settings.now - Date.now(); // the demo's clock may have been moved

export const now = () => Date.now() + ahead;
export { settings };

// -- small things ------------------------------------------------------------------------------------------------

const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decode = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const draw = () => encode(crypto.getRandomValues(new Uint8Array(24)));
const parse = (part) => JSON.parse(new TextDecoder().decode(decode(part)));

export class Refused extends Error {
  constructor(error, why) {
    super(why || error);
    this.error = error;
  }
}

// -- asking ------------------------------------------------------------------------------------------------------

async function asked(way, more) {
  const kept = { way, state: draw(), nonce: draw(), verifier: draw() + draw() };
  const params = {
    client_id: settings.client_id,
    redirect_uri: `${location.origin}/callback`,
    scope: settings.scope,
    state: kept.state,
    nonce: kept.nonce,
    response_type: way === "code" ? "code" : "id_token token",
    ...more,
  };
  if (way === "code") {
    params.code_challenge = encode(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(kept.verifier)));
    params.code_challenge_method = "S256";
  }
  return [kept, `${settings.authorize}?${new URLSearchParams(params)}`];
}

// Several tabs may log in at once: each request is kept under its own state, for this tab only.
export async function redirect(way, more = {}) {
  const [kept, address] = await asked(way, more);
  sessionStorage.setItem(`request.${kept.state}`, JSON.stringify(kept));
  await told([], [kept.state]);
  location.assign(address);
}

export async function landed() {
  const params = new URLSearchParams(location.hash.slice(1) || location.search);
  if (!params.has("state")) return null;
  const fragment = location.hash ? Object.fromEntries(params) : null;
  const key = `request.${params.get("state")}`;
  const kept = JSON.parse(sessionStorage.getItem(key));
  sessionStorage.removeItem(key);
  history.replaceState(null, "", "/");
  if (!kept) throw new Refused("unknown_state", "This tab did not ask for that answer.");
  if (fragment) await told([{ source: "browser", target: "orders", what: "read from behind the #", details: fragment }]);
  return await received(kept, Object.fromEntries(params));
}

export async function silently(way, timeout = 8000) {
  const [kept, address] = await asked(way, { prompt: "none", response_mode: "web_message" });
  await told([], [kept.state]);
  const frame = document.createElement("iframe");
  frame.hidden = true;
  const answer = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Refused("timeout", "No answer in time.")), timeout);
    addEventListener("message", function hear(event) {
      if (event.origin !== origin || event.source !== frame.contentWindow) return;
      if (event.data?.type !== "authorization_response") return;
      clearTimeout(late);
      removeEventListener("message", hear);
      resolve(event.data.response);
    });
  });
  frame.src = address;
  document.body.append(frame);
  try {
    const response = await answer;
    await told([{ source: "browser", target: "orders", what: "message from the hidden frame", details: response }], [kept.state]);
    return await received(kept, response);
  } finally {
    frame.remove();
  }
}

// -- hearing -----------------------------------------------------------------------------------------------------

async function received(kept, response) {
  if (response.state !== kept.state) throw new Refused("unknown_state", "The answer is to another question.");
  if (response.iss && response.iss !== settings.issuer) throw new Refused("other_issuer", "The answer is another server's.");
  if (response.error) throw new Refused(response.error, response.error_description);
  const tokens = kept.way === "code" ? await exchanged(kept, response.code) : response;
  const claims = await verified(tokens.id_token, kept.nonce);
  await told([{ source: "orders", target: "orders", what: "ID token verified" }]);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const { name } = await (await fetch(settings.userinfo, { headers })).json();
  return { name, claims, way: kept.way, idToken: tokens.id_token, accessToken: tokens.access_token, until: now() + tokens.expires_in * 1000 };
}

async function exchanged(kept, code) {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: settings.client_id,
    redirect_uri: `${location.origin}/callback`,
    code_verifier: kept.verifier,
    code,
  });
  const answer = await fetch(settings.token, { method: "POST", body });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said.error, said.error_description);
  return said;
}

// Signature, issuer, audience, nonce, time: OpenID Connect Core 1.0, 3.2.2.11.
export async function verified(token, nonce) {
  const [head, body, signature] = token.split(".");
  const header = parse(head);
  const claims = parse(body);
  const keys = (await (await fetch(settings.jwks)).json()).keys;
  const key = keys.find((one) => one.kid === header.kid && one.kty === "RSA");
  if (header.alg !== "RS256" || !key) throw new Refused("bad_token", "It is signed by a key that the server does not publish.");
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("jwk", key, algorithm, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (!(await crypto.subtle.verify(algorithm, imported, decode(signature), signed))) throw new Refused("bad_token", "Its signature is not good.");
  if (claims.iss !== settings.issuer) throw new Refused("bad_token", "It is another server's.");
  if (![claims.aud].flat().includes(settings.client_id)) throw new Refused("bad_token", "It is for somebody else.");
  if (claims.nonce !== nonce) throw new Refused("bad_token", "It is an answer to another question.");
  if (claims.exp * 1000 + 5000 < now()) throw new Refused("bad_token", "It has expired.");
  return claims;
}

export function logOut(idToken) {
  const params = { client_id: settings.client_id, post_logout_redirect_uri: `${location.origin}/`, id_token_hint: idToken };
  location.assign(`${settings.logout}?${new URLSearchParams(params)}`);
}

// -- the demo's trace --------------------------------------------------------------------------------------------

// What passes inside the browser no server sees: this page tells it.
function told(hops, states = []) {
  const body = JSON.stringify({ page: localStorage.getItem("page"), states, hops });
  return fetch("/stage/hops", { method: "POST", headers: { "content-type": "application/json" }, body });
}
