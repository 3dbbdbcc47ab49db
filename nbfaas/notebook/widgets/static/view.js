// The frame of every widget: what it says of errors and of its kernel, whether it can be seen, and
// how it asks its Python side for something.

import { button, el, plain, put, say } from "./dom.js";
import { keepFocus } from "./focus.js";

const SLOW = 1500; // milliseconds without being heard, after which the kernel is said to be busy

// Each widget has a module of its own, so this is one widget's, and outlives its views: what is drawn
// anew can be as it was left.
const memory = {};

/** What a widget's module exports as default.
 *  fields: names of the fields that `update` wants to hear of;
 *  label(view): what a screen reader calls the widget;
 *  build(view): puts elements into `view.body` and returns {update(changed), close()}, both optional.
 *  `changed` is the set of the names of fields that have changed; the first time, all. */
export function widget({ fields, label, build }) {
  return {
    render({ model, el: host }) {
      const view = new View(model, host, label);
      const parts = build(view) ?? {};
      const changed = new Set(fields);
      let frame = 0;
      const draw = () => {
        frame = 0;
        const names = new Set(changed);
        changed.clear();
        view.showProblem(model.get("_problem"));
        parts.update?.(names);
      };
      for (const name of [...fields, "_problem"]) {
        model.on(`change:${name}`, () => {
          changed.add(name);
          frame ||= requestAnimationFrame(draw);
        });
      }
      draw();
      view.watch();
      const forgetFocus = keepFocus(view.root, memory);
      return () => {
        cancelAnimationFrame(frame);
        forgetFocus();
        parts.close?.();
        view.close();
      };
    },
  };
}

class View {
  constructor(model, host, label) {
    this.model = model;
    this.id = crypto.randomUUID?.() ?? String(Math.random());
    this.body = el("div", { class: "nbf-body" });
    this.memory = memory;
    this.live = true; // whether the kernel is there to be asked
    this._waiting = new Map(); // what resolves the answer, by the number of the question
    this._unheard = new Map(); // timers, likewise
    this._hearers = new Map();
    this._numbers = 0;
    this._alert = el("div", { class: "nbf-alert", role: "alert" });
    this._status = el("div", { class: "nbf-notice", role: "status" });
    this._announcer = el("div", { class: "nbf-hidden", "aria-live": "polite" });
    const name = typeof label === "function" ? label(this) : label;
    this.root = el("section", { class: "nbf", "aria-label": plain(name) },
      this._alert, this._status, this.body, this._announcer);
    // A notebook has keys of its own (x cuts the cell); none is meant for it while we have the focus.
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.root.dataset.lmSuppressShortcuts = "true";
    host.append(this.root);
    model.on("msg:custom", (content, buffers) => this._receive(content, buffers));
    const view = this;
    model.on("comm_live_update", function () {
      view._setLive(this?.model?.comm_live ?? false);
    });
  }

  /** The present value of a field. */
  get(name) {
    return this.model.get(name);
  }

  /** Call an action of the Python side; a promise of its answer. Errors are shown, and thrown. */
  async ask(action, payload = {}) {
    if (!this.live) throw this._fail({ title: "No kernel", text: "The kernel has restarted." });
    const id = `${this.id}/${++this._numbers}`;
    const answered = new Promise((resolve) => this._waiting.set(id, resolve));
    this._unheard.set(id, setTimeout(() => this._busy(), SLOW));
    this.model.send({ action, payload, id });
    const answer = await answered;
    this._heard(id);
    if (answer.error) throw this._fail(answer.error);
    if (this._failed) this._fail(null);
    return answer.value;
  }

  /** A button that asks for an action. `payload` may be a function. It can't be pressed twice. */
  button(label, action, payload = {}, attributes = {}) {
    const press = async () => {
      if (made.getAttribute("aria-disabled") === "true") return;
      made.setAttribute("aria-disabled", "true");
      try {
        await this.ask(action, typeof payload === "function" ? payload() : payload);
      } catch (error) {
        if (!error.told) throw error;
      } finally {
        made.removeAttribute("aria-disabled");
      }
    };
    const made = button(label, press, { "data-action": action, ...attributes });
    return made;
  }

  /** Have `hearer(content, buffers)` called for what the Python side tells under `kind`. */
  hear(kind, hearer) {
    this._hearers.set(kind, hearer);
  }

  /** Say something to those who listen instead of looking. */
  announce(text) {
    say(this._announcer, text);
  }

  showProblem(problem) {
    if (JSON.stringify(problem) === JSON.stringify(this._problem ?? null)) return;
    this._problem = problem;
    this._showAlert();
  }

  /** Tell the Python side whether there is anything to be seen of this view. */
  watch() {
    this._seen = true;
    const tell = () => {
      const visible = this._seen && document.visibilityState === "visible";
      if (visible === this._told || !this.live) return;
      this._told = visible;
      this.model.send({ view: this.id, visible });
    };
    this._observer = new IntersectionObserver((entries) => {
      this._seen = entries.at(-1).isIntersecting;
      tell();
    });
    this._observer.observe(this.root);
    this._onvisibility = tell;
    document.addEventListener("visibilitychange", tell);
    tell();
  }

  close() {
    for (const timer of this._unheard.values()) clearTimeout(timer);
    this._observer?.disconnect();
    document.removeEventListener("visibilitychange", this._onvisibility);
    if (this.live && this._told) this.model.send({ view: this.id, visible: false });
    this.live = false;
    this.root.remove();
  }

  _heard(id) {
    clearTimeout(this._unheard.get(id));
    if (this._unheard.delete(id) && !this._unheard.size && this.live) put(this._status);
  }

  _receive(content, buffers) {
    if (content?.kind === "heard") {
      this._heard(content.id);
    } else if (content?.kind === "answer") {
      const resolve = this._waiting.get(content.id);
      this._waiting.delete(content.id);
      resolve?.(content);
    } else {
      this._hearers.get(content?.kind)?.(content, buffers);
    }
  }

  _fail(error) {
    this._failed = error;
    this._showAlert();
    return error && Object.assign(new Error(`${error.title}: ${error.text}`), { told: true });
  }

  _showAlert() {
    const shown = [this._failed, this._problem].filter(Boolean);
    put(this._alert, shown.map((each) => el("div", { class: "nbf-error" },
      el("strong", {}, "✗ ", plain(each.title)), ": ", plain(each.text),
      each.trace && el("details", {}, el("summary", {}, "Where it came from"),
        el("pre", {}, plain(each.trace))))));
  }

  _busy() {
    if (!this.live) return;
    const kernel = this.model.widget_manager?.kernel;
    put(this._status, "The kernel is busy and has not answered yet. ",
      kernel?.interrupt ? button("Interrupt the cell", () => kernel.interrupt())
        : "Interrupting the kernel (■) ends what the cell waits for.");
  }

  _setLive(live) {
    if (live === this.live) return;
    this.live = live;
    for (const timer of this._unheard.values()) clearTimeout(timer);
    this._unheard.clear();
    this.root.classList.toggle("nbf-dead", !live);
    say(this._status, live ? "" :
      "The kernel has restarted, or is not connected: this is the last state that was seen.");
    for (const [id, resolve] of this._waiting) {
      this._waiting.delete(id);
      resolve({ error: { title: "No kernel", text: "The kernel ended before it answered." } });
    }
    this._told = undefined;
    if (live) this._onvisibility?.();
  }
}
