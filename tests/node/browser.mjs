// Somebody with only a mail and a browser: activates an account, signs out, forgets the password, chooses a new one. No
// script runs in the pages; what they load from anywhere but their own origin is told.
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const [executablePath, origin, email, first, second] = process.argv.slice(2);
const tell = (line) => console.log(JSON.stringify(line));
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ javaScriptEnabled: false, locale: "de-AT" });
const page = await context.newPage();
page.setDefaultTimeout(10_000);
const strangers = [];
page.on("request", (request) => {
  if (new URL(request.url()).origin !== origin) strangers.push(request.url());
});

async function look() {
  const cookies = (await context.cookies()).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }));
  const language = await page.locator("html").getAttribute("lang");
  const heading = await page.getByRole("heading", { level: 1 }).innerText();
  const text = await page.locator("main").innerText();
  tell({ page: { path: new URL(page.url()).pathname, language, heading, text, cookies } });
}

/** The link in the newest mail that has one of this kind. */
async function link(path) {
  for (;;) {
    const mails = await (await fetch(`${origin}/dev/mailbox.json`)).json();
    const texts = mails.filter((mail) => mail.to === email).map((mail) => mail.text);
    const found = texts.map((text) => text.match(new RegExp(`${origin}${path}\\S+`))).find(Boolean);
    if (found) return found[0];
    await pause(50);
  }
}

async function choose(label, password, button) {
  await page.getByLabel(label, { exact: true }).fill(password);
  await page.getByRole("button", { name: button }).click();
}

await page.goto(await link("/activate"));
await look();
await choose("Neues Passwort", "kurz", "Konto aktivieren");
await look();
await choose("Neues Passwort", first, "Konto aktivieren");
await look();
await page.getByRole("button", { name: "Abmelden" }).click();
await look();
await page.getByRole("link", { name: "Passwort vergessen?" }).click();
await page.getByLabel("Geschäftliche E-Mail-Adresse", { exact: true }).fill(email);
await page.getByRole("button", { name: "Link senden" }).click();
await look();
const reset = await link("/reset-password");
await page.goto(reset);
await choose("Neues Passwort", second, "Passwort speichern");
await look();
await page.goto(reset);
await look();
tell({ strangers });
await browser.close();
