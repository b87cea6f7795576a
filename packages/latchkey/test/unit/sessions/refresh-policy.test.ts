import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ModelClient, parentOf, RefreshModel, refreshSteps } from '../../support/refresh-model.js'

const home = '192.0.2.1'
const unbound: ModelClient = { device: null, userAgent: 'app/1', network: home }
const bound: ModelClient = { ...unbound, device: 'device-of-the-owner' }

/**
 * Returns the number of rounds until the session ends. Both clients hold the current token of the
 * session and use it in turns.
 */
function roundsUntilEnd(owner: ModelClient, thief: ModelClient, { gapMs, most }: { gapMs: number; most: number }) {
  const model = new RefreshModel(owner, 0)
  let nowMs = 0
  const held = { owner: model.present(1, owner, nowMs).successor ?? 0, thief: 0 }
  held.thief = held.owner
  for (let round = 1; round <= most; round += 1) {
    for (const [name, client] of [
      ['owner', owner],
      ['thief', thief],
    ] as const) {
      const { successor } = model.present(held[name], client, nowMs)
      if (successor === undefined) return { round, seen: model.graceUses }
      held[name] = successor
      nowMs += gapMs
    }
    nowMs += 900_000
  }
  return { round: undefined, seen: model.graceUses }
}

describe('the owner of a session alone', () => {
  it.each([
    ['with a device token', bound],
    ['without one', unbound],
  ])('is never signed out by lost answers, %s, whatever the clock and the network do', (_, client) => {
    fc.assert(
      fc.property(refreshSteps, (steps) => {
        let owner = client
        let nowMs = 0
        let held = 1
        const model = new RefreshModel(owner, nowMs)
        for (const step of steps) {
          if (step.kind === 'wait') nowMs += step.ms
          else if (step.kind === 'move') owner = { ...owner, network: step.network }
          else if (step.kind === 'refresh') {
            const { successor } = model.present(held, owner, nowMs)
            expect(successor).toBeDefined()
            if (!step.lost) held = successor ?? 0
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('may have any number of tabs that refresh at once, over and over, with a device token', () => {
    const model = new RefreshModel(bound, 0)
    let held = 1
    for (let round = 1; round <= 50; round += 1) {
      const nowMs = round * 900_000
      const answers = Array.from({ length: 8 }, () => model.present(held, bound, nowMs).successor)
      expect(new Set(answers)).toEqual(new Set([held + 1]))
      held += 1
    }
  })
})

describe('a refresh token that two clients hold', () => {
  const nextDoor = { ...unbound, userAgent: 'curl/8' }
  const faraway = { ...unbound, network: '198.51.100.1' }
  it.each([
    ['without the device token of the owner', bound, unbound, 50, 1],
    ['with another device token', bound, { ...bound, device: 'device-of-the-thief' }, 50, 1],
    ['with a device token where the owner has none', unbound, bound, 50, 1],
    ['under another user agent', unbound, nextDoor, 50, 1],
    ['from another network', unbound, faraway, 50, 2],
    ['from the same network, and minutes later', unbound, unbound, 120_000, 3],
    ['from the same network, and at once', unbound, unbound, 50, 5],
    ['with all that the owner has, and minutes later', bound, bound, 120_000, 3],
  ])('ends the session soon: %s', (_, owner, thief, gapMs, rounds) => {
    expect(roundsUntilEnd(owner, thief, { gapMs, most: 20 }).round).toBe(rounds)
  })

  it('is reported in every round when the clients cannot be distinguished: the same device token, at once', () => {
    expect(roundsUntilEnd(bound, bound, { gapMs: 50, most: 20 })).toEqual({ round: undefined, seen: 20 })
  })

  it('is never used by both undetected, in any order of steps', () => {
    fc.assert(
      fc.property(
        refreshSteps,
        fc.constantFrom(unbound, bound),
        fc.constantFrom(unbound, bound),
        (steps, ...clients) => {
          const [ownersClient, thiefsClient] = clients
          const client = { owner: ownersClient, thief: thiefsClient }
          const held = { owner: 1, thief: 0 }
          const since = { owner: 0, thief: 0 }
          const model = new RefreshModel(client.owner, 0)
          let nowMs = 0
          for (const step of steps) {
            if (step.kind === 'wait') nowMs += step.ms
            else if (step.kind === 'move') client[step.by] = { ...client[step.by], network: step.network }
            else if (step.kind === 'steal') {
              held.thief = held.owner
              Object.assign(since, { owner: 0, thief: 0 })
              model.graceUses = 0
            } else if (held[step.by] > 0) {
              const { successor } = model.present(held[step.by], client[step.by], nowMs)
              if (successor === undefined) break
              since[step.by] += 1
              if (!step.lost) held[step.by] = successor
            }
            if (since.owner > 0 && since.thief > 0) expect(model.graceUses).toBeGreaterThan(0)
          }
        },
      ),
      { numRuns: 5000 },
    )
  })
})

describe('of all tokens of a session', () => {
  it('at most the current one and one replaced one are accepted after any steps', () => {
    fc.assert(
      fc.property(refreshSteps, (steps) => {
        const model = new RefreshModel(unbound, 0)
        const held = { owner: 1, thief: 1 }
        const network = { owner: home, thief: home }
        let nowMs = 0
        for (const step of steps) {
          if (step.kind === 'wait') nowMs += step.ms
          else if (step.kind === 'move') network[step.by] = step.network
          else if (step.kind === 'steal') held.thief = held.owner
          else {
            const client = { ...unbound, network: network[step.by] }
            held[step.by] = model.present(held[step.by], client, nowMs).successor ?? held[step.by]
          }
          const expected = model.ended ? [] : [parentOf(model.state), model.state.counter]
          expect(model.accepted(unbound, nowMs)).toEqual(expected)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
