"use strict";

// Ask for the panel every second and put in what changed. The endpoint is passive: asking keeps nobody signed in.
const panel = document.querySelector("[data-poll]");

// Cookies tell the layers apart, so none of them tells that two sessions are one browser's. This name lets the demo
// remember what it has seen of this browser before; it opens nothing.
function pageName() {
  let name = panel.dataset.page || localStorage.getItem("page");
  if (name) localStorage.setItem("page", name);
  if (!name) {
    name = Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem("page", name);
  }
  return name;
}

function cards(root) {
  return Array.from(root.querySelectorAll("details.layer"), (card) => card.dataset.layer).join();
}

function replaceChanged(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const layers = fresh.querySelector(".layers");
  // Another application came to the stage, or left it: then all cards are put in anew.
  if (cards(fresh) !== cards(document)) document.querySelector(".layers").replaceWith(document.importNode(layers, true));
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const shown = document.getElementById(part.id);
    if (shown && shown.outerHTML !== part.outerHTML) shown.replaceWith(document.importNode(part, true));
  }
}

async function poll() {
  // The sid is public. It lets the panel tell how a session ended of which this browser's cookie is gone.
  const address = new URL(panel.dataset.poll, location.origin);
  address.searchParams.set("sid", document.getElementById("panel-sid").dataset.sid);
  address.searchParams.set("page", pageName());
  try {
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.ok) replaceChanged(await answer.text());
    panel.classList.toggle("stale", !answer.ok);
  } catch {
    panel.classList.add("stale");
  }
}

async function watch() {
  if (!document.hidden) await poll();
  setTimeout(watch, 1000);
}

document.addEventListener("visibilitychange", () => document.hidden || poll());
watch();

// A socket that lives as long as the session. When it closes, the page says so at once, and no longer looks signed in.
const ENDED = 4401;
let leaving = false;

function sayEnded(why) {
  const notice = document.createElement("div");
  notice.className = "ended";
  notice.setAttribute("role", "alert");
  const text = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = "You are signed out here";
  text.append(strong, `: ${why}.`);
  const again = document.createElement("a");
  again.href = "/login";
  again.textContent = "Log in again";
  notice.append(text, again);
  document.querySelector("main").prepend(notice);
  document.querySelector("main").classList.add("over");
  document.querySelector("nav .menu")?.remove();
  notice.scrollIntoView({ block: "nearest" });
  poll();
}

function holdSocket() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + document.body.dataset.live);
  socket.addEventListener("close", (event) => {
    if (leaving) return;
    if (event.code === ENDED) sayEnded(event.reason);
    else setTimeout(holdSocket, 2000); // the shop was restarted, or the line broke
  });
}

if (document.body.dataset.live) {
  addEventListener("submit", (event) => { leaving ||= !event.defaultPrevented; });
  addEventListener("pagehide", () => { leaving = true; });
  holdSocket();
}

// The time machine moves the clock without leaving the page, so that one sees what happens.
const machine = document.querySelector(".time-machine");
machine.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(machine.action, { method: "POST", body: new FormData(machine, event.submitter), redirect: "manual" });
  await poll();
});

// The stage begins afresh when one wants to see the next messages alone.
document.getElementById("clear")?.addEventListener("click", async () => {
  await fetch(`/demo/clear?page=${pageName()}`, { method: "POST", redirect: "manual" });
  await poll();
});

// A page that comes back from the browser's memory may speak of a session that is gone: ask again.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// The account menu closes when one clicks elsewhere.
document.addEventListener("click", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// The login page's demo customers fill the form in.
for (const button of document.querySelectorAll("[data-fill-name]")) {
  button.addEventListener("click", () => {
    document.querySelector("[name=name]").value = button.dataset.fillName;
    document.querySelector("[name=password]").value = button.dataset.fillPassword;
  });
}
