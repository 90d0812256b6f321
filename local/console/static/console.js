// Live pages: load the page again now and then, and put in what has changed. Without this file the pages stand still.
"use strict";

const PAUSE = 1500;
const PATIENCE = 20000;

// What the reader is doing stays: the focused element, what they have unfolded, how far they have scrolled.
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  for (const one of old.querySelectorAll("details[id][open]")) {
    const same = fresh.querySelector("#" + CSS.escape(one.id));
    if (same) same.open = true;
  }
  const scrolled = [...old.querySelectorAll("pre")].map((one) => [one.scrollTop, one.scrollLeft]);
  old.replaceChildren(...fresh.childNodes);
  [...old.querySelectorAll("pre")].forEach((one, at) => {
    if (scrolled[at]) [one.scrollTop, one.scrollLeft] = scrolled[at];
  });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Nothing is taken away from under a finger: a press that begins on one element and ends on its copy does nothing.
const pressed = (part) => part.matches(":active");

async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`the console answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && fresh.innerHTML !== old.dataset.shown && !pressed(old)) {
      if (old.dataset.shown !== undefined || fresh.innerHTML !== old.innerHTML) {
        const shown = fresh.innerHTML;
        replace(old, fresh);
        old.dataset.shown = shown;
      }
    }
    follow(old);
  }
}

// A picture larger than its frame shows where something happens, until the reader scrolls it.
function follow(frame) {
  if (frame.dataset.follow === undefined || frame.dataset.held) return;
  const goal = frame.querySelector(".running:not(.frame)") ?? frame.querySelector(".running");
  if (!goal || goal.id === frame.dataset.at) return;
  frame.dataset.at = goal.id;
  show(frame, goal);
}

function show(frame, goal) {
  const box = goal.getBoundingClientRect(), own = frame.getBoundingClientRect();
  frame.scrollTop += box.top - own.top - own.height / 3;
  frame.scrollLeft += box.left + box.width / 2 - own.left - own.width / 2;
}

// Nobody takes a page for alive whose cloud is dead.
function tell(fresh) {
  const note = document.getElementById("stale"), text = fresh ? "" : note.dataset.text;
  if (note.textContent !== text) note.textContent = text;
  document.documentElement.classList.toggle("stale", !fresh);
}

async function live() {
  if (!document.hidden && !document.activeElement?.matches("input, select, textarea")) {
    tell(await refresh().then(() => true, () => false));
  }
  setTimeout(live, PAUSE);
}

if (document.querySelector("[data-live]")) {
  for (const frame of document.querySelectorAll("[data-follow]")) {
    for (const kind of ["wheel", "pointerdown", "touchstart"]) {
      frame.addEventListener(kind, () => { frame.dataset.held = "1"; }, { passive: true });
    }
    const [goal] = [".selected", ".running:not(.frame)", ".running", ".failed", ".state"]
      .map((one) => frame.querySelector(one)).filter(Boolean);
    if (goal) show(frame, goal);
  }
  setTimeout(live, PAUSE);
}
