import { describe, expect, it } from 'vitest'
import { expandingMigration } from './roll/expanding-migration.js'
import { rehearseRoll } from './roll/rehearse-roll.js'

describe('a rolling update of servers behind nginx, with a migration', () => {
  it('fails no request, answers none wrongly, and accepts no ended token', async () => {
    const report = await rehearseRoll({ servers: 4, people: 4, migration: expandingMigration, rounds: 1 })
    expect(report.wrong.slice(0, 5)).toEqual([])
    expect(report.answers).toBeGreaterThan(100)
    expect(report.changes).toBeGreaterThan(10)
    expect(report.ended).toBeGreaterThan(5)
  })

  it('is reported as failed if old servers cannot work with the migration', async () => {
    const migration = 'alter table server_accounts rename column email to mail'
    const { wrong } = await rehearseRoll({ servers: 1, people: 2, migration, rounds: 1 })
    expect(wrong.length).toBeGreaterThan(0)
  })
})
