import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireProgram } from '../support/installed-program.js'

const units = fileURLToPath(new URL('../../deploy/systemd', import.meta.url))
const unit = join(units, 'latchkey.service')

/** The highest accepted score on the scale of systemd from 0 (confined) to 10 (exposed). */
const mostExposure = 1.5

/** The backup runs as the user of PostgreSQL. */
const mostExposureOfBackup = 2.5

describe('latchkey.service', () => {
  let folder: string
  let path: string

  beforeAll(() => {
    requireProgram('systemd-analyze', 'systemd')
    folder = mkdtempSync(join(tmpdir(), 'latchkey-systemd-'))
    path = join(folder, 'latchkey.service')
    cpSync(units, folder, { recursive: true })
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  const plant = (from: string | RegExp, to: string) => {
    const text = readFileSync(unit, 'utf8')
    const planted = text.replace(from, to)
    expect(planted).not.toBe(text)
    const at = join(folder, 'planted.service')
    writeFileSync(at, planted)
    return at
  }

  /**
   * Returns the lines of a unit that systemd does not understand. Missing programs do not count.
   */
  const complaintsOf = (file: string) =>
    spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
      .stderr.split('\n')
      .filter((line) => line.startsWith(file) && !/is not executable/.test(line))

  const exposureOf = (file: string) => {
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
      encoding: 'utf8',
    })
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
  }

  it('is a unit in which systemd understands every line', () => {
    expect(complaintsOf(path)).toEqual([])
  })

  it.each(['latchkey-backup.service', 'latchkey-backup.timer'])('comes with %s, which systemd understands', (name) => {
    expect(complaintsOf(join(folder, name))).toEqual([])
  })

  it('is reported with a misspelt line', () => {
    expect(complaintsOf(plant('NoNewPrivileges', 'NoNewPrivilege'))).not.toEqual([])
    expect(complaintsOf(plant('ProtectSystem=strict', 'ProtectSystem=strong'))).not.toEqual([])
  })

  it('confines the server', () => {
    expect(exposureOf(path)).toBeLessThanOrEqual(mostExposure)
    expect(exposureOf(join(folder, 'latchkey-backup.service'))).toBeLessThanOrEqual(mostExposureOfBackup)
  })

  it('is reported without its confinement', () => {
    expect(
      exposureOf(plant(/^(SystemCallFilter|ProtectSystem|PrivateUsers|CapabilityBoundingSet)=.*\n/gm, '')),
    ).toBeGreaterThan(mostExposure)
  })

  it('writes no core file, which would contain keys', () => {
    expect(readFileSync(unit, 'utf8')).toMatch(/^LimitCORE=0$/m)
  })

  it('has a stop timeout that is longer than the server waits for its requests', () => {
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(readFileSync(unit, 'utf8'))?.[1])).toBeGreaterThan(10)
  })
})
