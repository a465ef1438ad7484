"use strict";

// Ask for the panel every second and put in what changed. The endpoint is passive: asking keeps nobody signed in.
const panel = document.querySelector(".panel");

function replaceChanged(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.body.children) {
    const shown = document.getElementById(part.id);
    if (shown.outerHTML !== part.outerHTML) shown.replaceWith(document.importNode(part, true));
  }
}

async function poll() {
  // The sid is public. It lets the panel tell how a session ended of which this browser's cookie is gone.
  const sid = document.getElementById("panel-sid").dataset.sid;
  try {
    const answer = await fetch(`${panel.dataset.poll}?sid=${encodeURIComponent(sid)}`, { cache: "no-store" });
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
