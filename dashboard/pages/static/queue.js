// The queue without the mouse: each key presses what a mouse would press. Without this script every button is there.
"use strict";

(() => {
  const items = [...document.querySelectorAll("#queue > .item")];
  const button = document.getElementById("keys");
  const OFF = "reviewstream-keys-off";

  function current() {
    return document.activeElement.closest(".item");
  }

  function go(item) {
    item?.focus();
    item?.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const at = items.indexOf(current());
    go(items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))]);
  }

  function press(act) {
    (current() ?? items[0])?.querySelector(`button[name="act"][value="${act}"]`)?.click();
  }

  function openLabel() {
    const details = (current() ?? items[0])?.querySelector("details.label");
    if (!details) return;
    details.open = true;
    details.querySelector("input[type=radio]").focus();
  }

  function choose(key) {
    const details = current()?.querySelector("details.label[open]");
    const radio = details?.querySelector(`input[data-key="${key}"]`);
    if (!radio) return;
    radio.checked = true;
    details.querySelector("input[name=reason]").focus();
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    c: () => press("claim"),
    d: () => press("done"),
    h: () => press("back"),
    l: openLabel,
    r: () => location.assign(location.pathname + location.search),
  };

  function isWriting(node) {
    return node.matches("textarea, select") || (node.matches("input") && node.type !== "radio");
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && current()) {
      const details = current().querySelector("details.label[open]");
      if (details) details.open = false;
      go(current());
      return;
    }
    if (localStorage.getItem(OFF) || event.ctrlKey || event.altKey || event.metaKey || isWriting(document.activeElement)) return;
    const key = event.key.toLowerCase();
    if (/^[1-4]$/.test(key)) choose(key);
    else if (Object.hasOwn(KEYS, key)) KEYS[key]();
    else return;
    event.preventDefault();
  });

  // The words that decided are looked for meanwhile: they are put in as they come, and nothing else on the page moves.
  const LOOK_AGAIN_MS = 3000;

  async function fillIn() {
    if (document.hidden) return awaitWords();
    try {
      const answer = await fetch(location.pathname + location.search);
      if (answer.redirected) return; // to sign in again
      const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
      for (const old of document.querySelectorAll(".said[data-pending]")) {
        const said = fresh.getElementById(old.closest(".item").id)?.querySelector(".said");
        if (!said && answer.ok) old.removeAttribute("data-pending"); // somebody was quicker
        if (!said || said.matches("[data-pending]")) continue;
        const details = [old.querySelector("details"), said.querySelector("details")];
        if (details[0] && details[1]) details[1].open = details[0].open;
        const focused = old.contains(document.activeElement);
        old.replaceWith(said);
        if (focused) said.querySelector("summary")?.focus({ preventScroll: true });
      }
    } catch {
      // The server is away: the words are no less readable for it.
    }
    awaitWords();
  }

  function awaitWords() {
    if (document.querySelector(".said[data-pending]")) setTimeout(fillIn, LOOK_AGAIN_MS);
  }
  awaitWords();

  function show() {
    const on = !localStorage.getItem(OFF);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Keys are on" : "Keys are off";
  }

  if (button) {
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      if (localStorage.getItem(OFF)) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
      show();
    });
  }

  // After an act the next one has the focus; after a claim, the claimed one.
  const claimed = items.find((item) => "#" + item.id === location.hash);
  if (claimed || new URLSearchParams(location.search).has("said") || document.getElementById("problem")) go(claimed ?? items[0]);
})();
