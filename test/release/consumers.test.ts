import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../support/page.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** The line that each project prints: status and identity or code of three requests, two checks. */
const printed = JSON.stringify([
  [401, 'credentials_missing'],
  [200, 'ada'],
  [401, 'token_revoked'],
  [true, true],
])

const countOf = (output: string) => output.split(printed).length - 1

describe('a project that installs the packed library', () => {
  let folder: string
  let project: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-consumers-'))
    project = join(folder, 'project')
    const pack = ['pack', '--json', '--workspace', 'latchkey', '--pack-destination', folder]
    const { stdout } = await run('npm', pack, { cwd: repository })
    const [{ filename }] = JSON.parse(stdout)
    cpSync(fileURLToPath(new URL('consumers', import.meta.url)), project, { recursive: true })
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--legacy-peer-deps']
    await run('npm', ['install', ...options, join(folder, filename)], { cwd: project })
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs a program of the project, and returns all that it prints. */
  const node = async (...args: string[]) => {
    // Not those of the test runner of this process.
    const { PATH, HOME } = process.env
    const { stdout, stderr } = await run(process.execPath, args, { cwd: project, env: { PATH, HOME, CI: 'true' } })
    return stdout + stderr
  }

  const jest = (root: string, ...args: string[]) => node('node_modules/jest/bin/jest.js', '--rootDir', root, ...args)

  it.each(['commonjs/app.cjs', 'esm/main.mjs'])('runs a guarded route in %s', async (file) => {
    expect(await node(file)).toBe(`${printed}\n`)
  })

  interface TypeScriptProject {
    readonly type: 'commonjs' | 'module'
    readonly compiler?: string
    readonly options: Readonly<Record<string, string>>
  }

  /** Compiles a project and returns the errors of the compiler. */
  const compile = async (name: string, { compiler = 'typescript', options }: Omit<TypeScriptProject, 'type'>) => {
    const common = { target: 'ES2022', strict: true, skipLibCheck: false, types: ['node'], outDir: 'out' }
    const compilerOptions = { ...common, esModuleInterop: true, rootDir: '.', ...options }
    writeFileSync(join(project, name, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    return node(`node_modules/${compiler}/bin/tsc`, '-p', name).catch(({ stdout }) => stdout)
  }

  it.each<[string, TypeScriptProject]>([
    [
      'node10',
      {
        type: 'commonjs',
        options: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
      },
    ],
    [
      'node10-typescript-5',
      { type: 'commonjs', compiler: 'typescript-5', options: { module: 'commonjs', moduleResolution: 'node10' } },
    ],
    ['node16-commonjs', { type: 'commonjs', options: { module: 'node16', moduleResolution: 'node16' } }],
    ['node16-modules', { type: 'module', options: { module: 'node16', moduleResolution: 'node16' } }],
    ['bundler', { type: 'module', options: { module: 'esnext', moduleResolution: 'bundler' } }],
  ])('compiles without an error and runs in TypeScript with %s', async (name, { type, ...compilation }) => {
    mkdirSync(join(project, name))
    writeFileSync(join(project, name, 'package.json'), JSON.stringify({ type }))
    for (const file of ['app.ts', 'main.ts', 'every-subpath.ts']) {
      cpSync(join(project, 'typescript', file), join(project, name, file))
    }
    expect(await compile(name, compilation)).toBe('')
    expect(await node(`${name}/out/main.js`)).toBe(`${printed}\n`)
  })

  it('mixes ES modules and CommonJS in one process, in types and at run time', async () => {
    expect(await compile('both', { options: { module: 'nodenext', moduleResolution: 'nodenext' } })).toBe('')
    expect(await node('both/out/app.mjs')).toBe(`${printed}\n`)
  })

  it('guards a Nest application in CommonJS with decorators', async () => {
    expect(await node('node_modules/typescript-5/bin/tsc', '-p', 'nest')).toBe('')
    expect((await node('nest/dist/main.js')).trim().split('\n')).toEqual([
      'guest 401 credentials_missing',
      'ada 200 ada',
      'reader 403 insufficient_role',
      'editor 200',
      'revoked 401 token_revoked',
    ])
  })

  it('runs in Jest in its default mode, also under fake timers', async () => {
    expect(countOf(await jest('jest'))).toBe(2)
  })

  it('runs in Jest with TypeScript', async () => {
    expect(countOf(await jest('ts-jest', '--config', 'ts-jest/jest.config.json'))).toBe(1)
  })

  it.each(['app.test.cjs', 'app.test.mjs'])('runs in node:test as %s, also under fake timers', async (file) => {
    expect(countOf(await node('--test', '--test-reporter=spec', `node-test/${file}`))).toBe(2)
  })

  it('runs in Vitest in both module systems, also under fake timers', async () => {
    expect(countOf(await node('node_modules/vitest/vitest.mjs', 'run', '--root', 'vitest'))).toBe(4)
  })

  it('runs the tests of docs/guides/test-my-app.md', async () => {
    const page = Page.at('docs/guides/test-my-app.md')
    const write = (file: string, text = '') => {
      mkdirSync(join(project, 'guide'), { recursive: true })
      writeFileSync(join(project, 'guide', file), text)
    }
    write('vitest.test.ts', page.take('ts', 'Vitest')[0])
    write('jest.test.js', page.take('js', 'Jest')[0])
    write('node.test.mjs', page.take('ts', 'node:test')[0])
    expect(await node('node_modules/vitest/vitest.mjs', 'run', '--root', 'guide', 'vitest.test.ts')).toMatch(/1 passed/)
    expect(await jest('guide', 'jest.test.js')).toMatch(/1 passed/)
    expect(await node('--test', '--test-reporter=tap', 'guide/node.test.mjs')).toMatch(/^# pass 1$/m)
    expect(blocksLeftOut('docs/guides/test-my-app.md')).toEqual([])
  })

  it('reads where the server is, after npx latchkey', async () => {
    const { code, stdout, stderr } = await run('npx', ['--no-install', 'latchkey', 'serve'], { cwd: project }).catch(
      (error) => error,
    )
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('npx @latchkey/server serve')
  })
})
