// Lists the defects of the pages in the frames as `frame: complaint` lines in #found.
"use strict";

const found = [];

// Whether a colour as the browser gives it is light.
function light(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 127;
}

// Contrast of two colours by WCAG, 1 to 21.
function contrast(one, other) {
  const luminance = (colour) => {
    const linear = colour.match(/[\d.]+/g).slice(0, 3).map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function measure(frame) {
  const page = frame.contentDocument, say = (what) => found.push(`${frame.id}: ${what}`);
  const style = (node) => frame.contentWindow.getComputedStyle(node);
  page.querySelectorAll("details").forEach((details) => (details.open = true));
  const root = page.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    say(`the page is ${root.scrollWidth} wide, wider than ${root.clientWidth}`);
  }
  for (const node of page.querySelectorAll("h1,h2,h3,p,li,figcaption,summary,dt,dd,a")) {
    if (node.closest("nav")) continue; // the contents scroll
    const box = node.getBoundingClientRect();
    if (box.right > root.clientWidth + 1) say(`cut off: ${node.textContent.slice(0, 40)}`);
  }
  const ground = style(page.body).backgroundColor;
  if (frame.id !== "broken" && light(ground) === dark) say("the ground has the wrong theme");
  for (const node of page.querySelectorAll("h1,h2,h3,p,li,a,small,figcaption,summary,dt,th,td")) {
    if (contrast(style(node).color, ground) < 4.5) {
      say(`low contrast: ${node.textContent.slice(0, 40)}`);
    }
  }
  for (const cell of page.querySelectorAll(".n")) {
    if (style(cell).textAlign !== "right") say(`a number to the left: ${cell.textContent}`);
  }
  anchors(page, say);
  if (page.querySelector("nav")) sticky(frame, say);
  for (const svg of page.querySelectorAll("svg[role]")) plot(svg, say, style);
  space(page, root, say);
}

// Every link inside the page has a target, and every section a link.
function anchors(page, say) {
  const links = [...page.querySelectorAll("a[href^='#']")].map((link) => link.hash.slice(1));
  for (const id of links) if (!page.getElementById(id)) say(`no target of the link ${id}`);
  for (const section of page.querySelectorAll("section[id]")) {
    if (!links.includes(section.id)) say(`no link to ${section.id}`);
  }
}

// The contents stay visible in the middle of the page.
function sticky(frame, say) {
  const view = frame.contentWindow, contents = frame.contentDocument.querySelector("nav ul");
  view.scrollTo({ top: 3000, behavior: "instant" });
  const box = contents.getBoundingClientRect();
  if (view.scrollY < 1000) say("the page does not scroll");
  if (box.bottom <= 0 || box.top < -1 || box.top > 100) say(`contents not sticky: at ${box.top}`);
  view.scrollTo({ top: 0, behavior: "instant" });
}

// Plots of a wide page fill its width.
function space(page, root, say) {
  for (const row of page.querySelectorAll(".figures:not(.small)")) {
    const boxes = [...row.children].map((figure) => figure.getBoundingClientRect());
    const right = Math.max(...boxes.map((box) => box.right));
    const main = page.querySelector("main").getBoundingClientRect();
    if (right < main.right - 0.2 * main.width) say("empty space beside the plots");
    if (boxes.some((box) => box.width < Math.min(330, main.width - 1))) say("a narrow plot");
  }
  const main = page.querySelector("main");
  if (main && root.clientWidth >= 1200 && main.clientWidth < 0.75 * root.clientWidth) {
    say(`only ${main.clientWidth} of ${root.clientWidth} are used`);
  }
}

function plot(svg, say, style) {
  const name = svg.querySelector("title").textContent, outer = svg.getBoundingClientRect();
  const inside = (box) =>
    box.left >= outer.left - 1 && box.right <= outer.right + 1 &&
    box.top >= outer.top - 1 && box.bottom <= outer.bottom + 1;
  if (outer.width < 150 || outer.height < 80) say(`${name}: only ${outer.width} by ${outer.height}`);
  const shapes = "circle,rect:not(.hover),polygon,polyline";
  const marks = [...svg.querySelectorAll(shapes)].map((node) => node.getBoundingClientRect());
  if (!marks.some((box) => box.width > 0 || box.height > 0)) say(`${name}: no mark`);
  if (!marks.every(inside)) say(`${name}: a mark outside`);
  const texts = [...svg.querySelectorAll("text")].map((node) => {
    if (light(style(node).fill) !== dark) say(`${name}: text of the wrong theme`);
    return { box: node.getBoundingClientRect(), text: node.textContent.trim() };
  });
  texts.forEach(({ box, text }, index) => {
    if (!text || box.width === 0) say(`${name}: an empty text`);
    if (!inside(box)) say(`${name}: outside: ${text}`);
    for (const other of texts.slice(index + 1)) {
      const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (wide > 0.5 && high > 2) say(`${name}: overlap of ${text} and ${other.text}`);
    }
  });
}

window.onload = () => {
  const frames = [...document.querySelectorAll("iframe")];
  frames.forEach(measure);
  found.push(`measured ${frames.map((frame) => frame.id).join(" ")}`);
  document.getElementById("found").textContent = found.join("\n");
};
