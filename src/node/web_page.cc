#include "web_page.h"

namespace brigade::node {
namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Brigade</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
  body { max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem; }
  h1 { font-size: 1.3rem; margin: 0 0 .8rem; }
  #state { padding: .1rem .6rem; border-radius: 1rem; background: #888; color: #fff; font-size: .9rem; }
  #state.serving { background: #2b7a3d; }
  #state.no-quorum, #state.gone { background: #b3261e; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0 0 1rem; }
  dt { opacity: .7; } dd { margin: 0; }
  table { border-collapse: collapse; margin: 0 0 1rem; }
  th, td { text-align: left; padding: .15rem .9rem .15rem 0; border-bottom: 1px solid #8884; }
  td.number, th.number { text-align: right; }
  tr.down { opacity: .5; }
  i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: 2px; }
  canvas { width: 512px; max-width: 100%; image-rendering: pixelated; border: 1px solid #8886; }
  main { display: flex; flex-wrap: wrap; gap: 2rem; }
</style>
</head>
<body>
<h1>Brigade <span id="node"></span> <span id="state">asking</span></h1>
<dl id="facts"></dl>
<main>
  <section><table><thead id="head"></thead><tbody id="roster"></tbody></table></section>
  <section>
    <canvas id="map" width="256" height="256"></canvas>
    <p id="cell">One cell for each of 65536 buckets: colour is the owner, bright is in sync.</p>
  </section>
</main>
<script>
"use strict";
const byId = (id) => document.getElementById(id);
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const STATES = {u: "unassigned", f: "filling", s: "serving", m: "moving", r: "released", t: "stand-in"};
const hue = (index) => (index * 137.508) % 360;
let map = null, mapSeq = -1;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function fact(list, name, value) { list.append(element("dt", name), element("dd", value)); }
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let u = 0;
  while (n >= 1024 && u < units.length - 1) { n /= 1024; ++u; }
  return (u ? n.toFixed(1) : n) + " " + units[u];
}
function show(c) {
  byId("node").textContent = c.node;
  byId("state").textContent = c.state;
  byId("state").className = c.state;
  document.title = c.node + ": " + c.state;
  const list = byId("facts");
  list.replaceChildren();
  fact(list, "cluster", c.cluster);
  fact(list, "coordinator", c.coordinator ? c.coordinator + ", epoch " + c.epoch.counter : "none");
  fact(list, "quorum", c.quorum.present + " of " + c.roster.length + " present, " + c.quorum.needed + " needed");
  fact(list, "log", "seq " + c.seq + ", committed up to " + c.commit);
  fact(list, "buckets", Object.entries(c.buckets).filter((e) => e[1] > 0).map((e) => e[1] + " " + e[0]).join(", "));
  fact(list, "stored here", c.objects + " objects, " + bytes(c.bytes));
  byId("head").replaceChildren(...["node", "state", "zone", "weight", "buckets", "in sync", "client"].map(
    (t) => element("th", t, ["weight", "buckets", "in sync"].includes(t) ? "number" : "")));
  byId("roster").replaceChildren(...c.roster.map((n, index) => {
    const row = element("tr", "", n.up ? "" : "down");
    const name = element("td", "");
    const mark = document.createElement("i");
    mark.style.background = "hsl(" + hue(index) + " 65% 50%)";
    name.append(mark, n.name + (n.name === c.coordinator ? " (coordinator)" : ""));
    row.append(name, element("td", n.up ? "up" : "down"), element("td", n.zone), element("td", n.weight, "number"),
               element("td", n.buckets, "number"), element("td", n.in_sync, "number"), element("td", n.client));
    return row;
  }));
}
function ownerOf(bucket) { return DIGITS.indexOf(map.owners[2 * bucket]) * 64 + DIGITS.indexOf(map.owners[2 * bucket + 1]); }
function rgb(h, s, l) {
  const a = s * Math.min(l, 1 - l);
  const f = (n) => { const k = (n + h / 30) % 12; return 255 * (l - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))); };
  return [f(0), f(8), f(4)];
}
function draw() {
  const context = byId("map").getContext("2d");
  const picture = context.createImageData(256, 256);
  const colours = new Map();
  for (let b = 0; b < 65536; ++b) {
    const owner = ownerOf(b), state = map.states[b], bright = state !== state.toLowerCase();
    const key = owner * 2 + (bright ? 1 : 0);
    if (!colours.has(key)) colours.set(key, owner === 4095 ? [128, 128, 128] : rgb(hue(owner), .65, bright ? .5 : .2));
    const colour = colours.get(key);
    for (let i = 0; i < 3; ++i) picture.data[4 * b + i] = colour[i];
    picture.data[4 * b + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}
byId("map").addEventListener("mousemove", (event) => {
  if (!map) return;
  const box = event.target.getBoundingClientRect();
  const at = (offset, size) => Math.max(0, Math.min(255, Math.floor(offset / size * 256)));
  const bucket = at(event.clientY - box.top, box.height) * 256 + at(event.clientX - box.left, box.width);
  const node = map.nodes[ownerOf(bucket)];
  byId("cell").textContent = "bucket " + bucket + ": " + STATES[map.states[bucket].toLowerCase()] +
    (node ? ", owner " + node.name + (node.up ? "" : " (down)") : "");
});
async function poll() {
  try {
    const cluster = await (await fetch("/cluster", {cache: "no-store"})).json();
    show(cluster);
    if (cluster.state !== "starting" && cluster.commit !== mapSeq) {
      map = await (await fetch("/cluster/map", {cache: "no-store"})).json();
      mapSeq = map.seq;
      draw();
    }
  } catch (error) {
    byId("state").textContent = "no answer";
    byId("state").className = "gone";
  }
  setTimeout(poll, 1000);
}
poll();
</script>
</body>
</html>
)html";

}  // namespace

std::string_view web_page() {
  return kPage;
}

std::string_view web_page_policy() {
  return "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
}

}  // namespace brigade::node
