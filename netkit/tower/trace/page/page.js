// Goes along the message, step by step. All that it tells is in the page already: in the rows of the tables.
"use strict";

(() => {
  // Milliseconds: from one step to the next while it plays, and how long the message is on its way of them.
  const PACE = 1000;
  const GLIDE = 420;
  const REST = "Follow the message with the buttons, or with the arrow keys.";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  class Stepper {
    constructor(element) {
      this.element = element;
      this.box = element.querySelector(".scroll");
      this.drawings = [...element.querySelectorAll(".diagram")];
      this.said = [...element.querySelectorAll("[data-rows]")];
      this.place = element.querySelector(".place");
      this.play = element.querySelector("[data-go=play]");
      this.count = Math.max(...this.drawings.map((each) => each.querySelectorAll(".step").length));
      this.at = 0;
      this.timer = null;
      this.show();
      this.listen();
    }

    listen() {
      const controls = this.element.querySelector(".controls");
      controls.hidden = false;
      this.said.forEach((each) => (each.hidden = "short" in each.dataset));
      this.live("polite");
      controls.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) this.go(button.dataset.go);
      });
      for (const each of [controls, this.box]) each.addEventListener("keydown", (event) => this.key(event));
      this.box.addEventListener("click", (event) => {
        const step = event.target.closest(".step");
        if (step) this.to(Number(step.dataset.step));
      });
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const go = { ArrowRight: "next", ArrowLeft: "back", Home: "first", End: "last", Escape: "leave" }[event.key];
      if (!go) return;
      event.preventDefault();
      this.go(go);
    }

    go(where) {
      if (where === "play") return this.timer ? this.stop() : this.start();
      const to = { first: 1, back: this.at - 1, next: this.at + 1, last: this.count, leave: 0 }[where];
      this.to(to);
    }

    to(step) {
      this.stop();
      this.move(step);
    }

    start() {
      this.live("off"); // nobody could listen so fast
      this.move(this.at >= this.count ? 1 : this.at + 1);
      this.timer = setInterval(() => (this.at < this.count ? this.move(this.at + 1) : this.stop()), PACE);
      this.play.textContent = "❚❚ pause";
      this.play.setAttribute("aria-label", "Pause");
    }

    stop() {
      if (!this.timer) return;
      clearInterval(this.timer);
      this.timer = null;
      this.play.textContent = "▸ play";
      this.play.setAttribute("aria-label", "Play");
      this.live("polite");
    }

    live(how) {
      for (const each of this.said) each.setAttribute("aria-live", how);
    }

    move(step) {
      const before = this.at;
      this.at = Math.min(Math.max(step, 0), this.count);
      this.show();
      if (this.at) this.reveal();
      if (this.at === before + 1 && !calm.matches) this.drawings.forEach((each) => this.glide(each));
    }

    show() {
      this.element.classList.toggle("stepping", this.at > 0);
      this.place.textContent = this.at ? `step ${this.at} of ${this.count}` : `${this.count} steps`;
      this.drawings.forEach((drawing) => {
        const here = Math.min(this.at, drawing.querySelectorAll(".step").length);
        for (const each of drawing.querySelectorAll("[data-step]")) {
          each.classList.toggle("done", Number(each.dataset.step) <= here);
          each.classList.toggle("now", Number(each.dataset.step) === here);
        }
      });
      this.said.forEach((each) => this.say(each));
    }

    say(element) {
      const rows = [...document.getElementById(element.dataset.rows).querySelectorAll("tbody tr")];
      rows.forEach((row) => row.classList.remove("now"));
      // In a glance, it takes the place of what is said at rest; elsewhere its place is kept.
      element.hidden = !this.at && "short" in element.dataset;
      if (!this.at) {
        element.textContent = "short" in element.dataset ? "" : REST;
        return;
      }
      const row = rows[Math.min(this.at, rows.length) - 1];
      row.classList.add("now");
      const cell = (name) => row.querySelector(name).textContent.trim();
      const called = "short" in element.dataset ? [] : [...row.querySelectorAll("code")].map((each) => each.textContent);
      const parts = [`${cell("th")} · ${cell(".lane")}: ${cell(".what")}`, ...called].filter(Boolean);
      element.textContent = this.at > rows.length ? `done, after ${rows.length} steps` : parts.join(" · ");
    }

    // Within the box only: the page stays where it is.
    reveal() {
      const step = this.drawings
        .map((each) => each.querySelector(`.step[data-step="${this.at}"]`))
        .find((each) => each !== null);
      const x = Number(step.dataset.x);
      const { scrollLeft, clientWidth } = this.box;
      const names = this.element.querySelector(".names").clientWidth;
      if (x - 40 > scrollLeft + names && x + 80 < scrollLeft + clientWidth) return;
      const left = x - names - (clientWidth - names) / 3;
      this.box.scrollTo({ left, behavior: calm.matches ? "auto" : "smooth" });
    }

    glide(drawing) {
      const line = drawing.querySelector(`.way[data-step="${this.at}"] .line`);
      if (!line) return;
      const token = drawing.querySelector(".token");
      const length = line.getTotalLength();
      const here = this.at;
      let start = null;
      drawing.classList.add("moving");
      const frame = (now) => {
        start ??= now;
        const part = Math.min((now - start) / GLIDE, 1);
        const { x, y } = line.getPointAtLength(length * part);
        token.setAttribute("cx", x);
        token.setAttribute("cy", y);
        if (part < 1 && this.at === here) requestAnimationFrame(frame);
        else if (this.at === here) drawing.classList.remove("moving");
      };
      requestAnimationFrame(frame);
    }
  }

  for (const each of document.querySelectorAll("[data-stepper]")) new Stepper(each);
  document.documentElement.classList.add("ready");
})();
