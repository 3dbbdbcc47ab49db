// What a cron expression means, and when it runs next.

import { attribute, el, plain, put, say, seconds } from "./dom.js";
import { keeping } from "./pages.js";
import { widget } from "./view.js";

export default widget({ fields: ["given", "result"], label: "Cron tester", build: (view) => new CronTester(view) });

class CronTester {
  constructor(view) {
    this.view = view;
    this.keeping = keeping(view);
    const id = (name) => `nbf-${view.id}-${name}`;
    const input = (name, attributes) => el("input", { id: id(name), type: "text", spellcheck: "false", autocapitalize: "off", oninput: () => this.take(), "aria-describedby": id("problem"), ...attributes });
    this.cron = input("cron", { class: "nbf-cron", placeholder: "minute hour day month weekday" });
    this.zone = input("zone", { list: id("zones"), placeholder: "UTC" });
    this.problem = el("div", { class: "nbf-error", id: id("problem"), role: "alert", hidden: true });
    this.means = el("div", { role: "status", class: "nbf-means" });
    this.runs = el("tbody");
    this.table = el("table", { class: "nbf-runs" }, el("thead", {}, el("tr", {}, ["Next runs", "In", "UTC"].map((each) => el("th", { scope: "col" }, each)))), this.runs);
    view.body.append(
      el("div", { class: "nbf-row nbf-cron-row" },
        el("label", { class: "nbf-cron-field" }, el("span", { class: "nbf-faint" }, "Cron expression: minute hour day month weekday"), this.cron),
        el("label", { class: "nbf-cron-field" }, el("span", { class: "nbf-faint" }, "Timezone"), this.zone)),
      el("datalist", { id: id("zones") }, ["UTC", "local", ...(Intl.supportedValuesOf?.("timeZone") ?? [])].map((each) => el("option", { value: each }))),
      this.problem, this.means, this.table);
    this.clock = setInterval(() => this.drawLeft(), 1000);
  }

  take() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), 120);
  }

  tell() {
    this.timer = 0;
    this.view.ask("edit", { cron: this.cron.value, timezone: this.zone.value.trim() || "UTC", by: this.view.id }).catch((error) => {
      if (!error.told) throw error;
    });
  }

  update(changed) {
    const given = this.view.get("given");
    if (changed.has("given") && given.by !== this.view.id) {
      this.cron.value = given.cron;
      this.zone.value = given.timezone;
    }
    if (changed.has("result")) this.draw(this.view.get("result"));
    if (this.drawn) this.keeping.changed();
    this.drawn = true;
  }

  draw(result) {
    say(this.problem, result.problem && `✗ ${plain(result.problem)}`);
    this.problem.hidden = !result.problem;
    attribute(this.cron, "aria-invalid", result.problem ? "true" : null);
    say(this.means, plain(result.means));
    this.table.hidden = !result.runs.length;
    put(this.runs, result.runs.map((each) => el("tr", { dataset: { at: each.at } }, el("td", {}, plain(each.text)), el("td", { class: "nbf-number" }), el("td", { class: "nbf-faint" }, each.utc))));
    this.drawLeft();
  }

  drawLeft() {
    for (const row of this.runs.children) {
      const left = Math.round(Number(row.dataset.at) - Date.now() / 1000);
      say(row.children[1], left < 86400 ? seconds(Math.max(0, left)) : `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`);
    }
  }

  close() {
    clearInterval(this.clock);
    if (this.timer) {
      clearTimeout(this.timer);
      this.tell();
    }
    this.keeping.close();
  }
}
