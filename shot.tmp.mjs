// node /work/notes/shot.mjs OUTDIR PATH... : starts the server of the current worktree, signs an administrator in, takes pictures of console pages (light+dark, 1280 and 360)
import { chromium } from 'playwright-core'; import { spawn, execFileSync } from 'node:child_process'; import { mkdtempSync, mkdirSync } from 'node:fs'; import { tmpdir } from 'node:os'; import { join } from 'node:path'
const [out, ...paths] = process.argv.slice(2); mkdirSync(out, { recursive: true })
const dir = mkdtempSync(join(tmpdir(), 'shot-')); const port = 20000 + Math.floor(Math.random() * 20000)
const env = { ...process.env, PORT: String(port), LATCHKEY_DATA_DIR: dir, LOG_LEVEL: 'silent' }
const server = spawn(process.execPath, ['packages/server/bin/latchkey.js', 'serve'], { env, stdio: 'ignore' })
const home = `http://localhost:${port}`
for (;;) { try { if ((await fetch(home + '/readyz')).ok) break } catch {} await new Promise((r) => setTimeout(r, 200)) }
const password = 'correct horse battery staple', email = 'admin@example.com'
execFileSync(process.execPath, ['packages/server/bin/latchkey.js', 'admin', 'create', email], { env, input: password + '\n' })
for (const name of ['ada', 'bob', 'cleo', ...Array.from({length: 57}, (_, i) => 'user' + i)].slice(0, 3)) await fetch(home + '/v1/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: name + '@example.com', password, name }) })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
for (const colorScheme of ['light', 'dark']) for (const width of [1280, 360]) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, locale: 'en' }); const page = await context.newPage()
  page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text())); page.on('pageerror', (e) => console.log('error:', e.message))
  const r = await page.request.post(home + '/v1/login', { headers: { 'latchkey-mode': 'cookie', origin: home }, data: { email, password } }); if (!r.ok()) console.log(await r.text())
  const users = await (await page.request.get(home + '/v1/admin/users', { headers: { 'latchkey-mode': 'cookie' } })).json(); const ada = users.users.find((u) => u.email.startsWith('ada'))
  for (let path of paths) { path = path.replace('ADA', ada.id); await page.goto(home + '/console' + path); await page.waitForTimeout(1500); await page.screenshot({ path: join(out, `${path.replaceAll(/[\/?]/g, '_').replace(ada.id, 'ADA') || 'home'}-${colorScheme}-${width}.png`), fullPage: true }) }
  if (width === 1280 && colorScheme === 'light') { await page.goto(home + '/console/users/' + ada.id); for (const b of ['Rotate', 'Revoke']) { await page.getByRole('button', { name: b + '…' }).click(); await page.getByRole('dialog').getByRole('button', { name: b }).click(); await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click() }
  await page.request.post(home + '/v1/login', { data: { email: 'ada@example.com', password } }); await page.reload(); await page.getByText('Sessions that have ended').click(); await page.waitForTimeout(1000); await page.screenshot({ path: join(out, 'after.png'), fullPage: true })
  await page.getByRole('button', { name: 'Change…' }).click(); await page.getByLabel('Roles in app').fill('editor boss'); await page.screenshot({ path: join(out, 'grants.png') });
  await page.goto(home + '/console/users?search=exa'); await page.getByRole('checkbox').first().waitFor(); for (const c of await page.getByRole('checkbox').all()) await c.check(); await page.getByRole('button', { name: 'Disable…' }).click(); await page.getByText('will change').first().waitFor(); await page.screenshot({ path: join(out, 'bulk.png') }) }
  await context.close()
}
await browser.close(); server.kill()
