import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { minifiedSize } from '../../bench/src/minified-size.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const names = ['latchkey', '@latchkey/server'] as const

/** Returns the subpaths that a package exports. */
function subpathsOf(name: (typeof names)[number]): readonly string[] {
  const file = join(repository, 'packages', name.replace('@latchkey/', ''), 'package.json')
  const subpaths: readonly string[] = Object.keys(JSON.parse(readFileSync(file, 'utf8')).exports)
  return subpaths.map((subpath) => name + subpath.slice(1))
}

/** Peers that some subpaths load, and that the server does not bring. */
const peersOfSubpaths = [
  '@nestjs/common@11',
  '@nestjs/core@11',
  '@trpc/server@11',
  '@types/node@20',
  'graphql@16',
  'graphql-yoga@5',
  'mysql2@3',
  'reflect-metadata@0.2',
  'rxjs@7',
  'typescript@6',
]

describe('the packed packages', () => {
  let folder: string
  const tarballs: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-packages-'))
    const workspaces = names.flatMap((name) => ['--workspace', name])
    const { stdout } = await run('npm', ['pack', '--json', ...workspaces, '--pack-destination', folder], {
      cwd: repository,
    })
    for (const { filename } of JSON.parse(stdout)) tarballs.push(join(folder, filename))
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const dataOf = (index: number) => new Uint8Array(readFileSync(tarballs[index] ?? ''))

  it.each(names.map((name, index) => [name, index] as const))(
    '%s has a README, keywords and the licence of the repository',
    async (name, index) => {
      const folder = join(repository, 'packages', name.replace('@latchkey/', ''))
      const { stdout } = await run('tar', ['--list', '--gzip', '--file', tarballs[index] ?? ''])
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['package/README.md', 'package/LICENSE']))
      const { keywords, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      expect(keywords.length).toBeGreaterThan(5)
      expect(license).toBe('MIT')
      expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(repository, 'LICENSE'), 'utf8'))
    },
  )

  it.each(names.map((name, index) => [name, index] as const))('%s passes publint', async (_name, index) => {
    const { messages, pkg } = await publint({ pack: { tarball: dataOf(index).buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  it.each(names.map((name, index) => [name, index] as const))(
    '%s has types that are right for `import`, for `require` and for the resolution of Node 10',
    async (_name, index) => {
      const analysis = await checkPackage(createPackageFromTarballData(dataOf(index)))
      expect(analysis.types === false ? ['it has no types'] : analysis.problems).toEqual([])
    },
  )

  describe('in another project', () => {
    beforeAll(async () => {
      const project = join(folder, 'project')
      mkdirSync(project)
      writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0' }))
      const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--legacy-peer-deps']
      await run('npm', ['install', ...options, ...tarballs, ...peersOfSubpaths], { cwd: project })
    })

    const load = async (file: string, text: string) => {
      const cwd = join(folder, 'project')
      writeFileSync(join(cwd, file), text)
      return (await run(process.execPath, [file], { cwd })).stdout.trim().split('\n')
    }
    const subpaths = names.flatMap(subpathsOf).filter((subpath) => !subpath.endsWith('.json'))

    it('load by import, every subpath', async () => {
      const lines = subpaths.map((path) => `console.log('${path}', Object.keys(await import('${path}')).length > 0)`)
      expect(await load('all.mjs', lines.join('\n'))).toEqual(subpaths.map((path) => `${path} true`))
    })

    it('load by require, every subpath', async () => {
      const lines = subpaths.map((path) => `console.log('${path}', Object.keys(require('${path}')).length > 0)`)
      expect(await load('all.cjs', lines.join('\n'))).toEqual(subpaths.map((path) => `${path} true`))
    })

    it('declare their dependencies, without those of the build', async () => {
      const options = { cwd: join(folder, 'project'), maxBuffer: 64 << 20 }
      const { bomFormat, components } = JSON.parse(
        (await run('npm', ['sbom', '--sbom-format', 'cyclonedx'], options)).stdout,
      )
      const listed = components.map(({ name, group }: { name: string; group?: string }) =>
        group ? `${group}/${name}` : name,
      )
      expect(bomFormat).toBe('CycloneDX')
      expect(listed).toEqual(expect.arrayContaining(['latchkey', 'fastify', 'pg', '@photostructure/sqlite', 'ioredis']))
      expect(listed).not.toContain('vitest')
    })

    it('have one command, whichever of the two packages the package manager links', async () => {
      const bin = join(folder, 'project/node_modules/latchkey/bin/latchkey.cjs')
      const { stdout } = await run(process.execPath, [bin, '--help'], { cwd: folder })
      expect(stdout).toContain('serve')
    })

    it('bring the rules of the codemod', () => {
      const rulesIn = (packages: string) =>
        readdirSync(join(packages, 'latchkey/codemod'), { recursive: true }).toSorted()
      expect(rulesIn(join(folder, 'project/node_modules'))).toEqual(rulesIn(join(repository, 'packages')))
    })

    it('bring the messages of every language', () => {
      const catalogues = readdirSync(join(repository, 'packages/server/locales')).toSorted()
      const installed = join(folder, 'project/node_modules/@latchkey/server/locales')
      expect(readdirSync(installed).toSorted()).toEqual(catalogues)
    })

    it('bring the build of the console, and no source map of it', () => {
      const installed = join(folder, 'project/node_modules/@latchkey/server/data/console')
      const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).toSorted()
      expect(files).toEqual(
        readdirSync(join(repository, 'packages/server/data/console'), { recursive: true }).toSorted(),
      )
      expect(files.filter((file) => file.endsWith('.map'))).toEqual([])
      const document = readFileSync(join(installed, 'index.html'), 'utf8')
      const assets = [...document.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, path = '']) => path)
      expect(assets.length).toBeGreaterThanOrEqual(2)
      expect(files).toEqual(expect.arrayContaining(assets))
    })

    it('serve the console', async () => {
      const lines = [
        `import { createServer, readConfiguration } from '@latchkey/server'`,
        `const env = { LATCHKEY_DATA_DIR: './console-data', LATCHKEY_ISSUER: 'http://localhost:3000', LOG_LEVEL: 'silent' }`,
        `const { app, close } = await createServer(readConfiguration(env))`,
        `const document = await app.inject('/console')`,
        `const [, script] = /src="([^"]+)"/.exec(document.body)`,
        `console.log(document.statusCode, (await app.inject(script)).statusCode)`,
        `await close()`,
      ]
      expect(await load('console.mjs', lines.join('\n'))).toEqual(['200 200'])
    })

    it('have a command that works', async () => {
      const { stdout } = await run('npx', ['--no-install', 'latchkey', '--help'], { cwd: join(folder, 'project') })
      expect(stdout).toContain('serve')
    })

    it('bring the files that the command needs besides its code', async () => {
      const cwd = join(folder, 'project')
      const command = (...args: string[]) => {
        const running = run('npx', ['--no-install', 'latchkey', ...args], { cwd })
        running.child.stdin?.end('correct horse battery staple\n')
        return running
      }
      const { version } = JSON.parse(readFileSync(join(repository, 'packages/server/package.json'), 'utf8'))
      expect((await command('--version')).stdout.trim()).toBe(version)
      // Reads the list of common passwords, and then copies the database in a process of its own.
      await command('admin', 'create', 'ada@example.com')
      await command('backup', 'create', 'copy.db')
      expect(existsSync(join(cwd, 'copy.db'))).toBe(true)
    })
  })

  it('load the core of the library from one file', () => {
    const bundle = join(repository, 'packages/latchkey/bundle')
    const importsOf = (file: string) =>
      [...readFileSync(join(bundle, file), 'utf8').matchAll(/^(?:import|export) .*from "(\..*)";$/gm)].map(
        ([, path = '']) => path,
      )
    const [core = ''] = importsOf('index.js')
    expect(importsOf('index.js')).toEqual([expect.stringMatching(/^\.\/chunks\/core-/)])
    expect(importsOf(core)).toEqual([])
  })

  it('have a core of at most 102 kB, without dependencies', async () => {
    const bundle = join(repository, 'packages/latchkey/bundle')
    const { minified, imports } = await minifiedSize(join(bundle, 'index.js'))
    expect(minified).toBeLessThanOrEqual(102_000)
    expect(imports.filter((name) => !isBuiltin(name))).toEqual([])
  })

  it.each([
    ['latchkey', 70],
    ['server', 200],
  ])('bundle the code of %s alone, so that audits see every dependency', (folder, least) => {
    const bundle = join(repository, 'packages', folder, 'bundle')
    const maps = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.map'))
    const sources = maps.flatMap((file): string[] => JSON.parse(readFileSync(join(bundle, file), 'utf8')).sources)
    expect(sources.length).toBeGreaterThan(least)
    expect(sources.filter((path) => path.includes('node_modules'))).toEqual([])
  })
})
