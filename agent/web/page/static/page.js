// The one script: sends changes as JSON, takes in what the server renders, keeps the page live.
"use strict";

let token = document.querySelector("meta[name=token]").content;
const texts = document.body.dataset;
const said = document.getElementById("said");
let silence = 0;

function say(text, undo) {
  const line = document.createElement("span");
  line.textContent = text;
  if (undo) line.append(" ", undoButton(undo));
  said.replaceChildren(line);
  clearTimeout(silence);
  silence = setTimeout(() => { said.replaceChildren(); }, undo ? 15000 : Math.max(6000, 80 * text.length));
}
function undoButton(undo) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = texts.undo;
  button.addEventListener("click", async () => {
    const answer = await send(undo.api, undo.words);
    if (!answer.error) await refresh();
    say(answer.error ?? answer.text);
  });
  return button;
}
const SAID = "moodtray-said"; // what is to be said once the page is made anew
function makeAnew(text) {
  if (text) sessionStorage.setItem(SAID, text);
  location.reload();
}

// --- changes -------------------------------------------------------------------------------------

// Another tab, opened meanwhile, has changed the browser's cookie: take the token that goes with it.
async function send(address, words) {
  const answer = await post(address, words);
  if (!answer.stale) return answer;
  try {
    return (await load()) ? await post(address, words) : answer;
  } catch {
    return { error: texts.gone };
  }
}
async function post(address, words) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Moodtray-Token": token },
      body: JSON.stringify(words),
    });
  } catch {
    return { error: texts.gone };
  }
  try {
    return await answer.json();
  } catch {
    return { error: texts.defect };
  }
}

function wordsOf(form) {
  const words = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") words[field.name] = field.dataset.bool ? field.checked : String(field.checked);
    else if (field.type !== "radio" || field.checked) words[field.name] = field.value;
  }
  return words;
}

function showError(form, text) {
  const place = form.querySelector(".error");
  const field = form.querySelector("input:not([type=hidden]), select, textarea");
  if (place) place.textContent = text; else say(text);
  if (field && place) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}

function clearError(form) {
  const place = form.querySelector(".error");
  if (place) place.textContent = "";
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
}

async function submit(form, words = wordsOf(form)) {
  clearTimeout(saving.get(form));
  const hour = form.elements.hour && form.elements.hour.selectedOptions[0].textContent;
  const question = (form.dataset.confirm || "").replace("{hour}", hour);
  if (question && !(await asked(question, form.dataset.yes))) return;
  clearError(form);
  form.setAttribute("aria-busy", "true");
  const answer = await send(form.dataset.api, words);
  form.removeAttribute("aria-busy");
  const goesOn = words.value !== undefined && wordsOf(form).value !== words.value; // they type on
  if (answer.error) {
    if (!goesOn) showError(form, answer.error);
    // The value that holds now, so that saving once more overwrites it knowingly.
    if (answer.now !== undefined && form.elements.was) form.elements.was.value = answer.now;
    return;
  }
  if (answer.goto) { location.assign(answer.goto); return; }
  if (answer.anew) { makeAnew(answer.text); return; }
  form.dataset.sent = "";
  form.closest("[data-closes]")?.removeAttribute("open");
  if (answer.now !== undefined && answer.now !== null && form.elements.was) form.elements.was.value = answer.now;
  if (form.dataset.keep === undefined && !goesOn) await refresh();
  if (answer.text) say(answer.text, answer.undo);
}

// A field saves itself a moment after the last key, or when it is left.
const SAVE_AFTER = 800;
const saving = new WeakMap();
function saveSoon(form) {
  clearTimeout(saving.get(form));
  saving.set(form, setTimeout(() => save(form), SAVE_AFTER));
}
function save(form) {
  clearTimeout(saving.get(form));
  if (!form.isConnected) return; // the page was made anew meanwhile
  if (form.getAttribute("aria-busy")) { saveSoon(form); return; } // what is on its way may be this very value
  const { was, value } = form.elements;
  if (!was || value.type === "checkbox" || was.value !== value.value) submit(form);
  else clearError(form);
}

function asked(question, yes) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("p").textContent = question;
  dialog.querySelector("[value=yes]").textContent = yes || texts.yes;
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.returnValue = "";
  });
}

// The document as the server renders it now, null when it refuses; changes go on with its token.
async function load() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return null;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  token = fresh.querySelector("meta[name=token]")?.content ?? token;
  return fresh;
}

// What was chosen or typed and not sent yet stays when the page is made anew. (A field that saves
// itself is sent with its last key, and shows what holds.)
function ownFields(main) {
  const seen = {};
  return [...main.querySelectorAll("form[data-api]:not([data-autosave]) [name]:not([type=hidden])")].map((field) => {
    const address = JSON.stringify([field.form.dataset.api, field.name, field.type === "radio" && field.value]);
    seen[address] = (seen[address] ?? 0) + 1;
    return { field, address: `${address} ${seen[address]}` };
  });
}
function isChanged(field) {
  const { type, options } = field;
  if (options) return field.selectedIndex !== Math.max(0, [...options].findIndex((one) => one.defaultSelected));
  return type === "checkbox" || type === "radio" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}
function carryOver(before, after) {
  const changed = new Map(ownFields(before)
    .filter(({ field }) => isChanged(field) && field.form.dataset.sent === undefined)
    .map(({ field, address }) => [address, field]));
  for (const { field, address } of ownFields(after)) {
    const kept = changed.get(address);
    if (!kept) continue;
    if (field.options) [...field.options].filter((one) => one.value === kept.value).forEach((one) => { one.selected = true; });
    else if (kept.matches("[type=checkbox], [type=radio]")) field.checked = kept.checked;
    else field.value = kept.value;
  }
}

// Take in what the server renders now, after what is being taken in already.
let refreshing = null;
async function refresh(unasked = false) {
  while (refreshing) await refreshing; // it may be of the time before the change
  refreshing = takeIn(unasked).catch(lost);
  await refreshing;
  refreshing = null;
}
async function takeIn(unasked) {
  const before = document.activeElement;
  const typed = before?.value;
  const loaded = await load();
  await released();
  const fresh = loaded?.querySelector("main");
  const main = document.querySelector("main");
  const field = document.activeElement;
  const types = isTyping(field) && (field !== before || field.value !== typed);
  if (!fresh || !main) { stamp = newest; return; } // it is not asked for again without news
  if (types || (unasked && isBusy())) return; // they began while the answer was on its way
  const { id: focused, selectionStart: caret } = field ?? {};
  const open = [...main.querySelectorAll("details[open]")].map((one) => one.id);
  const scrolled = window.scrollY;
  carryOver(main, fresh);
  main.replaceChildren(...fresh.childNodes);
  stamp = newest = loaded.body.dataset.stamp || null;
  open.forEach((id) => { if (id) main.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", ""); });
  prepare(); // a search narrows it again, and opens what is folded, before there is anything to focus
  window.scrollTo(0, scrolled);
  const again = focused ? document.getElementById(focused) : null;
  again?.focus({ preventScroll: true });
  if (typeof caret === "number") again?.setSelectionRange?.(caret, caret);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  submit(form);
});
document.addEventListener("change", (event) => {
  const field = event.target;
  delete field.form?.dataset.sent;
  if (field.dataset.file !== undefined && field.files.length) readFile(field);
  else if (field.form?.dataset.autosave !== undefined) save(field.form);
});
document.addEventListener("input", (event) => {
  const field = event.target;
  delete field.form?.dataset.sent;
  if (field.form?.dataset.autosave !== undefined && field.matches("input:not([type=checkbox])")) saveSoon(field.form);
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector("code"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
  }
  const before = button.textContent;
  button.textContent = texts.copied;
  setTimeout(() => { button.textContent = before; }, 2000);
});
document.addEventListener("error", (event) => {
  if (event.target.tagName === "IMG" && event.target.dataset.still === undefined) event.target.remove();
}, true);

async function readFile(field) {
  const file = field.files[0];
  field.value = "";
  if (file.size > 200000) { showError(field.form, texts.toobig); return; }
  submit(field.form, { text: await file.text() });
}

// --- order by drag or keyboard -------------------------------------------------------------------

let dragged = null;

// One takes another's place: behind it on the way down, before it on the way up.
function move(item, place) {
  if (!place || place === item) return;
  const down = item.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (down) place.after(item); else place.before(item);
  const list = item.parentElement;
  const entries = [...list.children].map((item) => item.dataset.entry);
  submit(list.closest("form"), { player: list.dataset.player, entries });
}
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-sort] > li") ?? null;
  dragged?.classList.add("dragged");
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-sort] > li");
  if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  over.parentElement.querySelectorAll(".over").forEach((one) => one.classList.remove("over"));
  over.classList.add("over");
});
document.addEventListener("drop", (event) => {
  const over = event.target.closest?.("[data-sort] > li");
  if (!dragged || !over) return;
  event.preventDefault();
  move(dragged, over);
});
document.addEventListener("dragend", () => {
  document.querySelectorAll(".over, .dragged").forEach((one) => one.classList.remove("over", "dragged"));
  dragged = null;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (!button) return;
  const item = button.closest("li");
  move(item, button.dataset.move === "up" ? item.previousElementSibling : item.nextElementSibling);
});

// --- live ----------------------------------------------------------------------------------------

let stamp = document.body.dataset.stamp || null; // of the page as it is shown
let newest = stamp; // of the set-up as the news tell it
let source = null;

function lost() {
  document.getElementById("lost").hidden = false;
}
function found() {
  const banner = document.getElementById("lost");
  if (banner.hidden) return;
  banner.hidden = true;
  stamp = ""; // of what was begun anew meanwhile nothing is known
}
function listen() {
  source = new EventSource("/api/events");
  source.onmessage = (event) => {
    found();
    show(JSON.parse(event.data));
  };
  source.onerror = () => {
    lost();
    // A refusal ends the stream for good: ask again by ourselves, the agent may be back.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}
function show(view) {
  if (view.language !== document.documentElement.lang && !isBusy()) { makeAnew(); return; }
  document.documentElement.className = view.mood;
  document.querySelectorAll("[data-live]").forEach((one) => {
    const text = one.dataset.live.split(".").reduce((value, key) => value?.[key], view) ?? "";
    if (one.textContent !== String(text)) one.textContent = text;
  });
  document.querySelectorAll("[data-face]").forEach((one) => {
    one.setAttribute("class", `face ${view.mood}`);
    one.querySelector("use").setAttribute("href", `#face-${view.mood}`);
  });
  document.querySelectorAll("[data-tinted]").forEach((one) => {
    one.className = `${one.dataset.tinted} ${view.mood}`;
  });
  document.querySelectorAll("[data-bar]").forEach((one) => {
    const share = view.bars?.[one.dataset.bar];
    one.querySelector("rect").setAttribute("width", `${share ?? 0}%`);
    one.lastElementChild.textContent = share === undefined ? "–" : `${share} %`;
    one.classList.toggle("top", one.dataset.bar === view.top);
  });
  document.querySelectorAll("[data-can]").forEach((one) => {
    one.hidden = !view.can[one.dataset.can];
  });
  document.querySelectorAll("[data-said]").forEach((one) => {
    one.setAttribute("aria-pressed", String(one.dataset.said === view.said));
  });
  trialEnds = performance.now() + 1000 * view.trial;
  countDown();
  document.querySelectorAll("[data-problem]").forEach((one) => {
    one.hidden = !view.problem;
    one.querySelector("span").textContent = view.problem;
  });
  document.querySelectorAll("[data-progress]").forEach((one) => {
    one.setAttribute("width", `${view.face.share}%`);
  });
  document.querySelectorAll("[data-pair]").forEach((one) => {
    const [before, after] = one.querySelectorAll("rect");
    const [, now, then] = one.querySelectorAll("span");
    [[before, now, view.face.now], [after, then, view.face.then]].forEach(([bar, text, seven]) => {
      const share = seven ? seven[one.dataset.pair] : 0;
      bar.setAttribute("width", `${share}%`);
      text.textContent = seven ? `${share} %` : "";
    });
  });
  document.querySelectorAll("[data-dot]").forEach((one) => {
    one.toggleAttribute("hidden", !view.affect);
    if (!view.affect) return;
    one.setAttribute("cx", 50 + 44 * view.affect[0]);
    one.setAttribute("cy", 50 - 44 * view.affect[1]);
  });
  track = view.music;
  trackSince = performance.now();
  moveTrack();
  newest = view.stamp;
  stamp ??= newest;
  catchUp();
}
// Make a page anew that shows an older set-up, as soon as nobody is busy with it.
function catchUp() {
  if (stamp !== newest && !refreshing && !isBusy()) refresh(true);
}
setInterval(catchUp, 1000);
function isTyping(field) {
  return Boolean(field?.matches?.("input:not([type=checkbox]), textarea")) && field.value !== field.defaultValue;
}
// A click on what was made anew between its press and its end would lead nowhere.
let pressed = false;
const onRelease = [];
function release() {
  setTimeout(() => { // the click comes first
    pressed = false;
    onRelease.splice(0).forEach((go) => go());
  });
}
document.addEventListener("pointerdown", () => { pressed = true; }, true);
["pointerup", "pointercancel"].forEach((end) => document.addEventListener(end, release, true));
window.addEventListener("blur", release);
function released() {
  return pressed ? new Promise((go) => { onRelease.push(go); }) : null;
}
function isBusy() {
  const underWay = document.querySelector("main [aria-busy=true], main [aria-invalid=true]") !== null;
  return pressed || isTyping(document.activeElement) || underWay || dragged !== null || document.getElementById("ask").open;
}

let trialEnds = 0;
function countDown() {
  const left = Math.max(0, Math.round((trialEnds - performance.now()) / 1000));
  document.querySelectorAll("[data-countdown]").forEach((one) => {
    one.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  });
}
setInterval(countDown, 1000);

let track = null;
let trackSince = 0;
function moveTrack() {
  const bar = document.querySelector("[data-track]");
  if (!bar) return;
  const known = track && track.place !== null && track.length;
  bar.toggleAttribute("hidden", !known);
  if (!known) return;
  const gone = track.state === "playing" ? (performance.now() - trackSince) / 1000 : 0;
  const share = Math.min(1, (track.place + gone) / track.length);
  bar.querySelector("rect").setAttribute("width", `${100 * share}%`);
}
setInterval(moveTrack, 1000);

// --- the camera's still, and counts of folders ---------------------------------------------------

async function still() {
  const picture = document.querySelector("[data-still]");
  if (!picture) return;
  if (!document.hidden) {
    try {
      const answer = await fetch("/api/start/still");
      if (answer.ok) showStill(picture, await answer.json());
    } catch {
      lost();
    }
  }
  setTimeout(still, 500);
}
function showStill(picture, seen) {
  picture.hidden = !seen.picture;
  if (seen.picture) picture.src = seen.picture; else picture.removeAttribute("src");
  // What is told stands below the picture, or in its place where there is none.
  const below = document.querySelector("[data-still-text]"), instead = picture.nextElementSibling;
  instead.hidden = Boolean(seen.picture);
  for (const [place, text] of [[below, seen.picture ? seen.text : ""], [instead, seen.picture ? "" : seen.text]]) {
    if (place.textContent !== text) place.textContent = text;
  }
  document.querySelectorAll("[data-still-bar]").forEach((one) => {
    const share = seen.bars && seen.bars[one.dataset.stillBar];
    one.querySelector("rect").setAttribute("width", `${share || 0}%`);
    one.lastElementChild.textContent = seen.bars ? `${share} %` : "–";
  });
}
async function count(place, again = 700) {
  if (!place.isConnected) return;
  const later = () => setTimeout(() => count(place, Math.min(2 * again, 10000)), again);
  try {
    const answer = await fetch(`/api/folders/count?path=${encodeURIComponent(place.dataset.count)}`);
    if (!answer.ok) return;
    const found = await answer.json();
    place.textContent = found.text;
    if (!found.done) later();
  } catch {
    lost();
    later(); // else it would say for good that it counts
  }
}

function prepare() {
  document.querySelectorAll("[data-count]").forEach((place) => count(place));
  const filter = document.getElementById("filter");
  if (filter) {
    filter.value ||= wantedSettings; // the page was made anew meanwhile
    filter.oninput = () => narrow(filter.value);
    narrow(filter.value);
  }
  moveTrack();
}
let wantedSettings = "";
function narrow(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (words) => wanted.every((word) => words.toLowerCase().includes(word));
  wantedSettings = text;
  let shown = 0;
  document.querySelectorAll("section.card").forEach((section) => {
    const heading = [...section.querySelectorAll("h2, :scope > .note")].map((one) => one.textContent);
    const whole = fits(heading.join(" "));
    let found = 0;
    section.querySelectorAll(".setting").forEach((one) => {
      // Its name in the file, its own words, and everyday ones.
      one.hidden = !whole && !fits(`${one.id} ${one.textContent} ${one.dataset.words}`);
      found += !one.hidden;
    });
    section.querySelectorAll(".experts").forEach((folded) => {
      const inside = folded.querySelectorAll(".setting:not([hidden])").length > 0;
      folded.hidden = !inside;
      if (wanted.length) folded.open = inside;
    });
    section.hidden = !found;
    shown += found;
  });
  document.getElementById("none").hidden = shown > 0;
}

const kept = sessionStorage.getItem(SAID);
sessionStorage.removeItem(SAID);
if (kept) say(kept);
prepare();
still();
listen();
