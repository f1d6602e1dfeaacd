// Keeps a page up to date: the server says that counts changed, and the page is fetched anew, at most every few seconds and
// only while somebody can see it. Without this script every page is whole, and as old as its loading.
"use strict";

(() => {
  const PAUSE_MS = 3000;
  const button = document.getElementById("live");
  const say = button.querySelector(".say");
  const product = document.body.dataset.product;
  const address = "/api/v1/changes" + (product ? "?product_id=" + encodeURIComponent(product) : "");
  let source = null;
  let last = 0;
  let timer = null;

  function show(text, state) {
    say.textContent = text;
    button.dataset.state = state;
  }

  async function refresh() {
    timer = null;
    if (document.hidden) return; // until somebody looks again
    if (document.getSelection().toString()) {
      timer = setTimeout(refresh, PAUSE_MS); // somebody is marking a text
      return;
    }
    last = Date.now();
    const asked = source;
    try {
      const answer = await fetch(location.href);
      const text = await answer.text();
      if (!answer.ok || answer.redirected || source !== asked) return; // the last: it was paused meanwhile
      replace(new DOMParser().parseFromString(text, "text/html").getElementById("main"));
      show("Live", "on");
      awaitPending();
    } catch {
      if (source === asked) show("Waiting", "waiting");
    }
  }

  // What the reader has opened, where it was scrolled and what has the focus stay as they are.
  function replace(fresh) {
    const main = document.getElementById("main");
    const key = (node) => node.id || node.closest("li")?.querySelector(".id")?.textContent;
    const open = new Set([...main.querySelectorAll("details[open]")].map(key));
    const focus = [...main.querySelectorAll("a, button, summary, input, select, [tabindex]")].indexOf(document.activeElement);
    for (const details of fresh.querySelectorAll("details")) details.open = open.has(key(details));
    main.replaceChildren(...fresh.childNodes);
    if (focus >= 0) {
      main.querySelectorAll("a, button, summary, input, select, [tabindex]")[focus]?.focus({ preventScroll: true });
    }
  }

  // Something on the page is still being worked out; it changes no counts, so nobody will tell.
  function awaitPending() {
    if (source && document.querySelector("[data-pending]")) timer ??= setTimeout(refresh, PAUSE_MS);
  }

  function later() {
    timer ??= setTimeout(refresh, Math.max(0, last + PAUSE_MS - Date.now()) || 50);
  }

  function start() {
    source = new EventSource(address);
    let opened = false;
    source.addEventListener("ready", () => {
      show("Live", "on");
      if (opened) later(); // the connection was lost, and changes with it
      opened = true;
    });
    source.addEventListener("changed", later);
    source.addEventListener("too_slow", later);
    source.addEventListener("error", () => show("Waiting", "waiting"));
  }

  function stop() {
    source.close();
    source = null;
    clearTimeout(timer);
    timer = null;
    show("Paused", "off");
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    if (source) stop();
    else start();
    button.setAttribute("aria-pressed", String(source !== null));
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source) later();
  });
  start();
  awaitPending();
})();
