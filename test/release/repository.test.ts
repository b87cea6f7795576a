import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')

describe('the repository', () => {
  it('keeps no key, no certificate and no database', () => {
    expect(files.length).toBeGreaterThan(1000)
    expect(files.filter((file) => /\.(key|pem|p12|crt|db|sqlite|db-wal|rdb)$/.test(file))).toEqual([])
  })

  it('keeps no environment but examples', () => {
    expect(files.filter((file) => /(^|\/)\.env(\.|$)/.test(file) && !file.endsWith('.example'))).toEqual([])
  })
})
