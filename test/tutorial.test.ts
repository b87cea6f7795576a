import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from './support/free-port.js'
import { blocksLeftOut, Page } from './support/page.js'
import { startedUrl } from './support/started-url.js'

const path = 'docs/tutorials/first-api.md'
const page = Page.at(path)

/**
 * The folder is in the repository, so that its programs find the packages that npm would install.
 */
const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url))

let folder: string
let running: ChildProcess | undefined

beforeEach(() => {
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'tutorial-'))
})

afterEach(async () => {
  await stop()
  rmSync(folder, { recursive: true, force: true })
})

async function stop(): Promise<void> {
  if (running === undefined) return
  const ended = once(running, 'close')
  running.kill('SIGINT')
  await ended
  running = undefined
}

/**
 * Saves a program of the page as `server.mjs`, starts it by a command of the page, and waits for
 * its address.
 */
async function start(program: string | undefined, command: string, port: number): Promise<string> {
  await stop()
  writeFileSync(join(folder, 'server.mjs'), program ?? '')
  running = spawn('bash', ['-euo', 'pipefail', '-c', command.replace(/(?=node server\.mjs$)/, 'exec ')], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: String(port) },
  })
  return startedUrl(running)
}

/** Returns the packages that `npm install` of a shell block names. */
function installedBy(commands: string): readonly string[] {
  const [, packages = ''] = /^npm install (.*)$/m.exec(commands) ?? []
  return packages.split(' ').toSorted()
}

/** Returns the packages that a program imports. */
function importedBy(program: string): readonly string[] {
  const names = [...program.matchAll(/ from '((?:@[^'/]+\/)?[^'/]+)/g)].map(([, name = '']) => name)
  return [...new Set(names)].toSorted()
}

describe(path, () => {
  it('signs a user out as its commands show', async () => {
    const [create, issue, startStored, ...signOut] = page.takeSteps()
    const [inMemory, stored] = page.blocks.filter(({ language }) => language === 'ts').map(({ text }) => text)
    const port = await freePort()
    const run = async (steps: readonly ({ readonly commands: string } | undefined)[]) => {
      const script = steps.map((step) => step?.commands).join('\n')
      const commands = script.replace('http://127.0.0.1:3000', `http://127.0.0.1:${port}`)
      return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], { cwd: folder })).stdout
    }

    expect(installedBy(create?.commands ?? '')).toEqual(importedBy(`${inMemory}${stored}`))
    expect(await start(inMemory, 'node server.mjs', port)).toBe(`http://127.0.0.1:${port}`)
    expect(await run([issue])).toBe(issue?.shown)

    await start(stored, startStored?.commands.trim() ?? '', port)
    const shown = [issue, ...signOut].map((step) => step?.shown).join('')
    expect(signOut).toHaveLength(2)
    expect(await run([issue, ...signOut])).toBe(shown)
  })

  it('has no block that this test leaves out', () => {
    page.takeSteps()
    expect(blocksLeftOut('docs/tutorials/first-api.md')).toEqual([])
  })
})
