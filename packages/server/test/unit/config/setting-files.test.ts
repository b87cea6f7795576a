import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { SettingFiles } from '../../../src/config/setting-files.js'

let folder: string
let path: string
let files: SettingFiles
let events: string[]
let read: () => string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-settings-'))
  path = join(folder, 'secret')
  writeFileSync(path, 'value-1\n')
  files = new SettingFiles()
  events = []
  files.on('changed', (name) => events.push(`changed ${name}`))
  files.on('unusable', ({ name, problem }) => events.push(`unusable ${name}: ${problem.replaceAll(path, 'FILE')}`))
  const parse = (text: string) => (text.startsWith('value-') ? text : undefined)
  read = files.open({ name: 'SECRET', path, parse }, 'value-1')
  return () => rmSync(folder, { recursive: true })
})

describe('the file of a setting', () => {
  it('is read again, and a change is reported once', () => {
    expect(read()).toBe('value-1')
    writeFileSync(path, 'value-2\n')
    expect([read(), read()]).toEqual(['value-2', 'value-2'])
    expect(events).toEqual(['changed SECRET'])
  })

  it('is followed when Kubernetes swaps the link of a mounted Secret', () => {
    const volume = join(folder, 'volume')
    for (const version of ['1', '2']) {
      mkdirSync(join(volume, `..${version}`), { recursive: true })
      writeFileSync(join(volume, `..${version}`, 'secret'), `value-${version}`)
    }
    const point = (version: string) => {
      symlinkSync(`..${version}`, join(volume, '..data_tmp'))
      renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
    }
    point('1')
    symlinkSync('..data/secret', join(volume, 'secret'))
    const mounted = files.open({ name: 'MOUNTED', path: join(volume, 'secret'), parse: (text) => text }, 'value-1')
    expect(mounted()).toBe('value-1')
    point('2')
    expect(mounted()).toBe('value-2')
  })

  it.each<[string, () => void, string]>([
    ['has vanished', () => rmSync(path), 'the file cannot be read: '],
    ['is empty', () => truncateSync(path), 'FILE is empty'],
    ['is half-written', () => writeFileSync(path, 'val'), 'the content of FILE cannot be used'],
    ['has a NUL', () => writeFileSync(path, 'value-\0'), 'the content of FILE cannot be used'],
    ['is too large', () => writeFileSync(path, ' '.repeat(1024 * 1024 + 1)), 'FILE is larger than 1 MiB'],
    ['has become a folder', () => [rmSync(path), mkdirSync(path)], 'FILE is not a regular file'],
  ])('keeps its last value while it %s, and says so once', (_what, spoil, problem) => {
    writeFileSync(path, 'value-2')
    expect(read()).toBe('value-2')
    events.length = 0
    spoil()
    expect([read(), read(), read()]).toEqual(['value-2', 'value-2', 'value-2'])
    expect(events).toHaveLength(1)
    expect(events[0]).toContain(`unusable SECRET: ${problem}`)
    rmSync(path, { recursive: true, force: true })
    writeFileSync(path, 'value-3')
    expect(read()).toBe('value-3')
    rmSync(path)
    read()
    expect(events).toHaveLength(3)
  })

  it('is watched before its value is needed', () => {
    files.checkAll()
    writeFileSync(path, 'value-2')
    files.checkAll()
    expect(events).toEqual(['changed SECRET'])
  })

  it('is not repeated in a report', () => {
    writeFileSync(path, 'hunter2')
    read()
    expect(events.join()).not.toContain('hunter')
  })
})
