// The page: who is here, until when, and their orders.

import { Refused, landed, logOut, now, redirect, settings, silently } from "./oidc.js";

const at = (id) => document.getElementById(id);
let tokens = null;

const WORDS = {
  login_required: "login_required: nobody is signed in at the server, or this browser keeps its cookie from frames. Log in by redirect.",
  consent_required: "consent_required: the server has a question. Log in by redirect to answer it.",
  interaction_required: "interaction_required: the server has a question. Log in by redirect to answer it.",
};

function show() {
  const left = tokens ? tokens.until - now() : 0;
  if (tokens && left <= 0) {
    tokens = null;
    said("The tokens have run out.");
  }
  at("who").textContent = tokens ? tokens.name || tokens.claims.sub : "Nobody";
  at("token-badge").textContent = tokens ? `TOKENS · ${tokens.way}` : "NO TOKENS";
  at("token-badge").className = `badge ${tokens ? "live" : "none"}`;
  const seconds = Math.max(0, Math.ceil(left / 1000));
  at("token-left").textContent = tokens ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
  at("in").hidden = !tokens;
  at("out").hidden = Boolean(tokens);
  at("claims-box").hidden = !tokens;
  if (!tokens) at("orders").replaceChildren();
}

function said(text) {
  at("said").textContent = text;
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

async function take(found) {
  tokens = found;
  at("claims").replaceChildren(...Object.entries(found.claims).map(([name, value]) => element("div", element("dt", name), element("dd", String(value)))));
  show();
  await list();
}

async function list() {
  const headers = { authorization: `Bearer ${tokens.accessToken}`, "x-storezero-page": localStorage.getItem("page") };
  const answer = await fetch("/api/orders", { headers });
  if (!answer.ok) {
    said("The server's session is over: the access token opens nothing any more.");
    at("orders").replaceChildren();
    return;
  }
  const { orders } = await answer.json();
  const rows = orders.map((one) => element("li", element("div", element("strong", one.items.join(", ")), element("small", one.at)), element("span", one.price)));
  at("orders").replaceChildren(...(rows.length ? rows : [element("li", "No orders so far.")]));
}

// What a silent answer means is the table of sessioncore.sso: only login_required ends what the app has.
async function silent(way) {
  said("Asking silently ...");
  try {
    const renewed = await silently(way);
    if (tokens && tokens.claims.sub !== renewed.claims.sub) {
      tokens = null;
      throw new Refused("other_subject", "Somebody else is signed in now. Log in anew.");
    }
    await take(renewed);
    said("Renewed, without a page. auth_time is still that of the login.");
  } catch (error) {
    if ((settings.silent[error.error] ?? "stays") === "ended") tokens = null;
    said(WORDS[error.error] ?? `${error.error ?? "error"}: ${error.message}`);
    show();
  }
}

at("log-in-code").addEventListener("click", () => redirect("code"));
at("log-in-implicit").addEventListener("click", () => redirect("implicit"));
at("renew").addEventListener("click", () => silent("code"));
at("renew-now").addEventListener("click", () => silent(tokens?.way ?? "code"));
at("list").addEventListener("click", list);
at("log-out").addEventListener("click", () => logOut(tokens.idToken));
at("forget").addEventListener("click", () => {
  tokens = null;
  said("Forgotten. The server's session knows nothing of it.");
  show();
});

try {
  const found = await landed();
  if (found) await take(found);
} catch (error) {
  said(WORDS[error.error] ?? `${error.error ?? "error"}: ${error.message}`);
}
show();
setInterval(show, 1000);
document.body.dataset.ready = "yes";
