// Storing a widget's picture draws its view anew. Whoever was in it by keyboard is there again.

const FOCUS_KEPT = 1500; // milliseconds after which the focus is no longer taken for lost
const FOCUS_SOUGHT = 600; // milliseconds that the element may take to appear again
const FOCUSABLE = "button, input, select, textarea, summary, a[href], [tabindex]";

/** Keep the focus of one view after the other; `memory` is what they share. */
export function keepFocus(root, memory) {
  const me = {};
  let over = false;
  root.addEventListener("focusin", (event) => {
    memory.focus = { view: me, path: pathTo(root, event.target), like: signature(event.target), lost: 0 };
    me.seeking = false;
  });
  root.addEventListener("focusout", (event) => {
    if (memory.focus?.view !== me) return;
    // Into nothing: it was removed, or something was clicked that takes no focus.
    if (event.relatedTarget === null) memory.focus.lost = Date.now();
    else if (!root.contains(event.relatedTarget)) memory.focus = null;
  });

  const since = Date.now();
  const seek = () => {
    const wanted = memory.focus;
    if (over || !wanted?.lost || wanted.view === me || Date.now() - wanted.lost > FOCUS_KEPT) return;
    if (document.activeElement?.closest?.("input, textarea, [contenteditable=true]")) return;
    const found = sought(root, wanted);
    const late = Date.now() - since > FOCUS_SOUGHT;
    if (found || late) (found ?? nearest(root, wanted.path))?.focus({ preventScroll: true });
    else setTimeout(seek, 50);
  };
  requestAnimationFrame(seek);
  // Should the earlier view be closed only after this one was made.
  (memory.seekers ??= new Set()).add(seek);

  return () => {
    over = true;
    memory.seekers.delete(seek);
    if (memory.focus?.view !== me) return;
    memory.focus.lost ||= Date.now();
    for (const each of memory.seekers) each();
  };
}

function pathTo(root, node) {
  const path = [];
  for (let at = node; at !== root && at; at = at.parentElement) {
    path.unshift([...at.parentElement.children].indexOf(at));
  }
  return path;
}

function signature(node) {
  return `${node.tagName} ${node.getAttribute("aria-label") ?? node.id ?? ""} ${node.tagName === "BUTTON" ? node.textContent : ""}`;
}

function sought(root, { path, like }) {
  const there = path.reduce((at, index) => at?.children[index], root);
  const all = there ? [there, ...root.querySelectorAll(FOCUSABLE)] : [...root.querySelectorAll(FOCUSABLE)];
  return all.find((each) => signature(each) === like && takesFocus(each));
}

/** What comes next in the place of what is gone, such as *Run again* for *Cancel*. */
function nearest(root, path) {
  const all = [...root.querySelectorAll(FOCUSABLE)].filter(takesFocus);
  const place = (each) => {
    const its = pathTo(root, each);
    const at = its.findIndex((index, depth) => index !== path[depth]);
    return at < 0 ? 0 : its[at] - (path[at] ?? -1);
  };
  return all.find((each) => place(each) >= 0) ?? all.at(-1);
}

function takesFocus(node) {
  return node.checkVisibility() && !node.disabled && node.tabIndex >= 0;
}
