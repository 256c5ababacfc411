// A person with a browser, who does what the steps say. Arguments: the browser, whether scripts run, and steps in JSON:
// {goto}, {fill: [label, text]}, {type: [selector, text]}, {press: button}, {follow: link}, {wait: part of the address},
// {look: true} tells the page, {ask: query} tells what the platform answers with the cookies of the browser.
import { chromium } from "playwright-core";

const [executablePath, scripts, steps] = process.argv.slice(2);
const tell = (line) => console.log(JSON.stringify(line));
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ javaScriptEnabled: scripts === "true", locale: "en-GB" });
const page = await context.newPage();
page.setDefaultTimeout(20_000);

const does = {
  goto: (url) => page.goto(url),
  fill: ([label, text]) => page.getByLabel(label).fill(text),
  type: ([selector, text]) => page.locator(selector).fill(text),
  press: (name) => page.getByRole("button", { name, exact: true }).first().click(),
  follow: (name) => page.getByRole("link", { name, exact: true }).click(),
  wait: (part) => page.waitForURL((url) => url.href.includes(part)),
  async look() {
    await page.waitForLoadState("load");
    const heading = await page.getByRole("heading", { level: 1 }).first().innerText().catch(() => "");
    tell({ page: { url: page.url(), heading, text: await page.locator("body").innerText() } });
  },
  async ask({ origin, query }) {
    const headers = { "x-requested-with": "steps", origin };
    const answer = await context.request.post(`${origin}/graphql`, { data: { query }, headers });
    tell({ answer: await answer.json() });
  },
};
try {
  for (const step of JSON.parse(steps)) {
    for (const [name, value] of Object.entries(step)) await does[name](value);
  }
  tell({ done: true });
} catch (error) {
  tell({ failed: { at: page.url(), text: await page.locator("body").innerText().catch(() => ""), error: `${error}` } });
}
await browser.close();
