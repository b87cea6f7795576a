import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Keyring } from 'latchkey'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'
import { startExample } from './support/example-process.js'
import { blocksLeftOut, Page } from './support/page.js'

const repository = fileURLToPath(new URL('..', import.meta.url))
const page = 'docs/guides/migrate.md'

const projects = join(repository, 'node_modules/.cache/codemod', randomUUID())
afterAll(() => rmSync(projects, { recursive: true, force: true }))

/** Returns the folder of a project that has installed Latchkey, as far as the codemod needs it. */
function createProject(files: Readonly<Record<string, string>>): string {
  const folder = join(projects, randomUUID())
  const installed = join(folder, 'node_modules/latchkey/codemod')
  cpSync(join(repository, 'packages/latchkey/codemod'), installed, { recursive: true })
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\n')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const program = createRequire(import.meta.url).resolve('@ast-grep/cli/ast-grep')

/** The commands of the page, with the installed program in the place of a download. */
const [apply = '', list = ''] = Page.at(page)
  .take('sh', 'The codemod')
  .join('\n')
  .trim()
  .split('\n')
  .map((command) => command.replace(/^npx --yes --package @ast-grep\/cli@0\.51 ast-grep/, program))

async function run(command: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder })
  return stdout
}

interface Converted {
  readonly converted: string
  /** The places that are left, as `line rule`. */
  readonly left: readonly string[]
}

/**
 * Applies the codemod to files of one project until it changes nothing more, and returns each of
 * them in the same order.
 */
async function convertAll(files: Readonly<Record<string, string>>): Promise<readonly Converted[]> {
  const folder = createProject(files)
  const read = () => Object.keys(files).map((name) => readFileSync(join(folder, name), 'utf8'))
  let before: readonly string[]
  let texts = read()
  let runs = 0
  do {
    before = texts
    await run(apply, folder)
    texts = read()
    runs += 1
  } while (String(texts) !== String(before))
  expect(runs).toBeLessThanOrEqual(3)
  const report = await run(list, folder)
  const findings = [...report.matchAll(/^(\S+?):(\d+):\d+: \w+\[([\w-]+)\]/gm)]
  return Object.keys(files).map((file, index) => ({
    converted: texts[index] ?? '',
    left: findings.flatMap(([, name, line, rule]) => (name === file ? [`${line} ${rule}`] : [])).toSorted(),
  }))
}

async function convert(text: string, name = 'src/app.ts'): Promise<Converted> {
  const [converted] = await convertAll({ [name]: text })
  if (converted === undefined) throw new Error('One file was converted.')
  return converted
}

const imports = "import { expressjwt } from 'express-jwt'\nimport jwt from 'jsonwebtoken'\n"
const guard = "app.use(expressjwt({ secret: process.env.JWT_SECRET, algorithms: ['HS256'] }))\n"

describe('the codemod', () => {
  it('converts guards, the claims that routes read, and tokens of the same secret', async () => {
    const { converted, left } = await convert(`${imports}${guard}
app.get('/me', (req, res) => res.json({ id: req.auth.sub, theme: req.auth?.theme }))
app.post('/refresh', async (req, res) => {
  const payload = jwt.verify(req.body.token, process.env.JWT_SECRET)
  res.json({ token: jwt.sign({ theme: 'dark' }, process.env.JWT_SECRET, { subject: payload.sub, expiresIn: '1h' }) })
})
`)
    expect(converted).toBe(`import { requireAuth } from 'latchkey/express'
import { latchkey } from '#latchkey'
import jwt from 'jsonwebtoken'
app.use(requireAuth(latchkey))

app.get('/me', (req, res) => res.json({ id: req.auth.subject, theme: req.auth?.claims.theme }))
app.post('/refresh', async (req, res) => {
  const payload = (await latchkey.verify(req.body.token)).claims
  res.json({ token: (await latchkey.issue({ subject: payload.sub, claims: { theme: 'dark' }, expiresIn: 1 * 3600 })).token })
})
`)
    expect(left).toEqual(['3 by-hand-import'])
  })

  it('converts claims inside of a token that it converts, when it is repeated', async () => {
    const { converted } = await convert(`${imports}${guard}
app.post('/refresh', async (req, res) => {
  res.json(jwt.sign({ theme: req.auth.theme }, JWT_SECRET, { expiresIn: 900, subject: req.auth.sub }))
})
`)
    expect(converted).toContain(
      'latchkey.issue({ subject: req.auth.subject, claims: { theme: req.auth.claims.theme }, expiresIn: 900 })).token',
    )
  })

  it('imports Latchkey once in a file that has tokens and no guard', async () => {
    const { converted } = await convert(`import jwt from 'jsonwebtoken'
export const read = async (token) => jwt.verify(token, JWT_SECRET)
`)
    expect(converted).toBe(`import jwt from 'jsonwebtoken'
import { latchkey } from '#latchkey'
export const read = async (token) => (await latchkey.verify(token)).claims
`)
  })

  it('reads JavaScript, with double quotes and other spacing', async () => {
    const text =
      'import { expressjwt } from "express-jwt";\napp.use(\n  expressjwt({\n    algorithms: ["HS256"],\n    secret: env.JWT_SECRET,\n  }),\n);\n'
    expect((await convert(text, 'src/app.mjs')).converted).toContain('app.use(\n  requireAuth(latchkey),\n);')
  })

  it('converts an import with a trailing comma', async () => {
    const { converted } = await convert(`import { expressjwt, } from 'express-jwt'\n${guard}`)
    expect(converted).toMatch(/^import \{ requireAuth \} from 'latchkey\/express'\n/)
  })

  it('keeps the types of express-jwt, which annotate handlers', async () => {
    const text = "import { expressjwt, type Request } from 'express-jwt'\n"
    expect((await convert(`${text}${guard}`)).converted).toMatch(/^import \{ type Request \} from 'express-jwt'\n/)
  })

  it('leaves what is not certain, and lists it', async () => {
    const cases = [
      ['a guard with another secret', "const guard = expressjwt({ secret: ADMIN_SECRET, algorithms: ['HS256'] })"],
      ['a guard with more options', "expressjwt({ secret: JWT_SECRET, algorithms: ['HS256'], issuer: 'app' })"],
      ['a guard with another algorithm', "expressjwt({ secret: JWT_SECRET, algorithms: ['HS512'] })"],
      ['a guard with exceptions', "expressjwt({ secret: JWT_SECRET, algorithms: ['HS256'] }).unless({ path: ['/'] })"],
      [
        'a guard with exceptions elsewhere',
        `const guard = ${guard.slice(8, -2)}\napp.use(guard.unless({ path: ['/'] }))`,
      ],
      ['a guard beside one that is left', `${guard}expressjwt(options)`],
      ['a guard whose name is another thing here', `${guard}function test(expressjwt) { return expressjwt }`],
      ['a callback', 'async () => jwt.verify(token, JWT_SECRET, (error, payload) => next(error))'],
      [
        'a verification whose error is recognised',
        'async () => { try { jwt.verify(t, JWT_SECRET) } catch (e) { if (e instanceof jwt.TokenExpiredError) return } }',
      ],
      [
        'a verification whose error is recognised by name',
        "async () => { try { jwt.verify(t, JWT_SECRET) } catch (e) { return e.name === 'JsonWebTokenError' } }",
      ],
      ['a verification with options', "async () => jwt.verify(token, JWT_SECRET, { algorithms: ['HS256'] })"],
      ['a verification with another secret', 'async () => jwt.verify(token, RESET_SECRET)'],
      ['a verification outside of async functions', '() => jwt.verify(token, JWT_SECRET)'],
      [
        'a verification in a function inside an async one',
        'async () => list.map((token) => jwt.verify(token, JWT_SECRET))',
      ],
      ['a name that is shadowed', 'async (jwt) => jwt.verify(token, JWT_SECRET)'],
      ['a name that is shadowed by a member', 'async ({ jwt }) => jwt.verify(token, JWT_SECRET)'],
      ['a signature without a subject', "async () => jwt.sign({ userId: 1 }, JWT_SECRET, { expiresIn: '1h' })"],
      ['a signature without an end', 'async () => jwt.sign({}, JWT_SECRET, { subject })'],
      ['a signature for a week', "async () => jwt.sign({}, JWT_SECRET, { subject, expiresIn: '7d' })"],
      [
        'a signature of a role',
        "async () => jwt.sign({ role: 'admin' }, JWT_SECRET, { subject: 'a', expiresIn: '1h' })",
      ],
      [
        'a signature of a shorthand role',
        "async () => jwt.sign({ isAdmin }, JWT_SECRET, { subject: 'a', expiresIn: '1h' })",
      ],
      [
        'a signature of spread claims',
        "async () => jwt.sign({ ...user }, JWT_SECRET, { subject: 'a', expiresIn: '1h' })",
      ],
      [
        'a signature of a registered claim',
        "async () => jwt.sign({ aud: 'a' }, JWT_SECRET, { subject: 'a', expiresIn: 60 })",
      ],
      [
        'a signature with other options',
        "async () => jwt.sign({}, JWT_SECRET, { subject: 'a', expiresIn: 60, issuer: 'b' })",
      ],
    ] as const
    const files = cases.map(([, code], index) => [`src/case-${index}.ts`, `${imports}${code}\n`] as const)
    const results = await convertAll(Object.fromEntries(files))
    for (const [index, [title]] of cases.entries()) {
      const { converted, left = [] } = results[index] ?? {}
      expect([title, converted]).toEqual([title, files[index]?.[1]])
      expect([title, left.filter((line) => !line.endsWith('by-hand-import'))]).not.toEqual([title, []])
    }
  })

  it.each([
    ['an ID', 'id(req.auth.userId)'],
    ['a right', "allow(req.auth?.role === 'admin')"],
    ['an assignment', 'req.auth.theme = 1'],
    ['the payload as a whole', 'log(req.auth)'],
    ['members taken out of the payload', 'const { sub } = req.auth'],
  ])('leaves %s behind a converted guard, and lists it', async (_, code) => {
    const { converted, left } = await convert(`${imports}${guard}${code}\n`)
    expect(converted).toContain(`app.use(requireAuth(latchkey))\n${code}\n`)
    expect(left).toEqual(['3 by-hand-import', expect.stringMatching(/^5 by-hand-/)])
  })

  it('lists the claims that are read in files without a guard, and libraries that are required', async () => {
    const text = "const sign = require('jsonwebtoken').sign\nexports.me = (req) => [req.auth.sub, sign({}, 'a')]\n"
    const { converted, left } = await convert(text, 'src/me.cjs')
    expect(converted).toBe(text)
    expect(left).toEqual(['1 by-hand-import', '2 by-hand-claim', '2 by-hand-token'])
  })

  it('leaves an import under another name, and lists it', async () => {
    const text =
      "import { expressjwt as guard } from 'express-jwt'\nimport token from 'jsonwebtoken'\nasync () => token.verify(a, JWT_SECRET)\n"
    const { converted, left } = await convert(text)
    expect(converted).toBe(text)
    expect(left).toEqual(['1 by-hand-import', '2 by-hand-import', '3 by-hand-token'])
  })
})

/** The edits that the codemod lists for the example, with the line that they replace. */
const editsByHand: readonly [before: string, after: string][] = [
  ["import jwt from 'jsonwebtoken'\n", ''],
  ["app.post('/login', (req, res)", "app.post('/login', async (req, res)"],
  [
    "const token = jwt.sign({ userId: user.id, role: user.role, theme: 'dark' }, JWT_SECRET, { expiresIn: '7d' })",
    "const { token } = await latchkey.issue({ subject: String(user.id), claims: { theme: 'dark' } })",
  ],
  ['String(req.auth?.userId)', 'req.auth?.subject'],
  ["req.auth?.role !== 'editor'", "!req.auth?.grants.roles.includes('editor')"],
  ["JWT_SECRET = '', ", ''],
]

const latchkeyModule = `
import { DatabaseSync } from '@photostructure/sqlite'
import { createLatchkey, legacyTokens, tenantSecrets } from 'latchkey'
import { sqliteStore } from 'latchkey/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, LATCHKEY_MASTER_KEYS, LEGACY_UNTIL = '' } = process.env
const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const legacy = legacyTokens({ secret: JWT_SECRET, until: LEGACY_UNTIL, subject: 'userId' })
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS, legacy })
export const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys })
await keys.provision('1')
await keys.setGrants('1', { roles: ['editor'] })
`

describe('examples/migrate-jsonwebtoken', () => {
  it('is migrated by the codemod and the edits that it lists', async () => {
    const before = readFileSync(join(repository, 'examples/migrate-jsonwebtoken/before.ts'), 'utf8')
    const { left } = await convert(before)
    expect(left.map((line) => line.split(' ')[1]).toSorted()).toEqual([
      ...['by-hand-claim', 'by-hand-claim', 'by-hand-import', 'by-hand-import', 'by-hand-token'],
    ])
    const folder = createProject({
      'src/app.ts': before,
      'src/latchkey.ts': latchkeyModule,
      'package.json': JSON.stringify({ type: 'module', imports: { '#latchkey': './src/latchkey.ts' } }),
    })
    await run(apply, folder)
    // The packages are those of the repository, as for the other examples.
    rmSync(join(folder, 'node_modules'), { recursive: true })
    const app = join(folder, 'src/app.ts')
    let text = readFileSync(app, 'utf8')
    for (const [line, edit] of editsByHand) {
      expect(text).toContain(line)
      text = text.replace(line, edit)
    }
    writeFileSync(app, text)
    expect(compileTypeScript({ [app.slice(repository.length)]: text })).toEqual([])

    const data = mkdtempSync(join(tmpdir(), 'latchkey-codemod-'))
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    const env = {
      DATABASE: join(data, 'app.db'),
      JWT_SECRET: 'the secret that signed for every user',
      LATCHKEY_MASTER_KEYS: Keyring.generate('example'),
      LEGACY_UNTIL: new Date(Date.now() + 86_400_000).toISOString(),
    }
    const tokenAt = async (program: string) => {
      const { url, stop } = await startExample(program, env)
      onTestFinished(stop)
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ email: 'ada@example.com', password: 'correct horse' })
      const response = await fetch(`${url}/login`, { method: 'POST', headers, body })
      return { url, token: ((await response.json()) as { token: string }).token }
    }
    const { token: old } = await tokenAt('migrate-jsonwebtoken/before.ts')
    const { url, token: fresh } = await tokenAt(`../${app.slice(repository.length)}`)
    expect((await fetch(`${url}/me`)).status).toBe(401)
    for (const token of [old, fresh]) {
      const headers = { authorization: `Bearer ${token}` }
      expect(await (await fetch(`${url}/me`, { headers })).json()).toEqual({ id: '1', theme: 'dark' })
      expect(await (await fetch(`${url}/drafts`, { headers })).json()).toEqual({ drafts: [] })
    }
  })
})

describe('docs/guides/migrate.md', () => {
  it('has no block that these tests leave out', () => {
    Page.at(page).take('json', 'The codemod')
    expect(blocksLeftOut('docs/guides/migrate.md')).toEqual([])
  })
})
