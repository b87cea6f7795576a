import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const copied = [
  'package.json',
  '.changeset',
  'packages/latchkey/package.json',
  'packages/server/package.json',
  'bench/package.json',
]

it('a changeset of the library causes one new version of both packages, and an entry in the changelog', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-release-'))
  try {
    for (const path of copied) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      cpSync(join(repository, path), join(folder, path), { recursive: true })
    }
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
    const run = (program: string, ...args: readonly string[]) =>
      execFileSync(program, args, { cwd: folder, stdio: 'pipe' })
    run('git', 'init', '--quiet', '--initial-branch=main')
    run(
      'git',
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@example.com',
      'commit',
      '--quiet',
      '--allow-empty',
      '--message=x',
    )
    writeFileSync(join(folder, '.changeset/note.md'), '---\n"latchkey": minor\n---\n\nKeys can be turned.\n')
    run('node_modules/.bin/changeset', 'version')
    const read = (path: string) => readFileSync(join(folder, path), 'utf8')
    const { version } = JSON.parse(read('packages/latchkey/package.json'))
    const server = JSON.parse(read('packages/server/package.json'))
    expect([server.version, server.dependencies.latchkey]).toEqual([version, version])
    expect(version).not.toBe(
      JSON.parse(readFileSync(join(repository, 'packages/latchkey/package.json'), 'utf8')).version,
    )
    expect(read('packages/latchkey/CHANGELOG.md')).toMatch(new RegExp(`## ${version}[\\s\\S]*Keys can be turned`))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
