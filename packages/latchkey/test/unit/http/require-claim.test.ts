import { describe, expect, it } from 'vitest'
import type { Auth } from '../../../src/auth.js'
import type { JsonValue } from '../../../src/claims/plain-json.js'
import { requireClaim } from '../../../src/http/require-claim.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const { latchkey } = setUp()

async function identityWith(claims: object): Promise<Auth> {
  return latchkey.verify((await latchkey.issue({ subject: 'ada', claims })).token)
}

describe('requireClaim', () => {
  it.each<[name: string, values: JsonValue[], claims: object, isAccepted: boolean]>([
    ['plan', [], { plan: 'free' }, true],
    ['plan', [], { plan: null }, true],
    ['plan', [], { plan: false }, true],
    ['plan', [], { plan: [] }, true],
    ['plan', [], {}, false],
    ['toString', [], {}, false],
    ['constructor', [], {}, false],
    ['__proto__', [], {}, false],
    ['plan', ['pro', 'team'], { plan: 'team' }, true],
    ['plan', ['pro'], { plan: 'Pro' }, false],
    ['plan', ['pro'], { plan: 'pro ' }, false],
    ['plan', ['pro'], { plan: ['pro'] }, true],
    ['plan', ['pro'], { plan: [['pro']] }, false],
    ['plan', ['pro'], { plan: { pro: true } }, false],
    ['plan', [null], {}, false],
    ['level', [2], { level: '2' }, false],
    ['level', [2], { level: 2 }, true],
    ['verified', [true], { verified: 1 }, false],
    ['verified', [true], { verified: true }, true],
    ['org', [{ id: 1, parts: ['a'] }], { org: { parts: ['a'], id: 1 } }, true],
    ['org', [{ id: 1 }], { org: { id: 1, role: 'admin' } }, false],
    ['org', [{ id: 1, role: 'admin' }], { org: { id: 1 } }, false],
    ['groups', [['a', 'b']], { groups: ['a', 'b'] }, true],
    ['groups', [['a', 'b']], { groups: ['b', 'a'] }, false],
    ['groups', [[]], { groups: {} }, false],
  ])('of %j with %j and the claims %j: %j', async (name, values, claims, isAccepted) => {
    const auth = await identityWith(claims)
    const outcome = await outcomeOf(() => requireClaim(name, ...values)(auth))
    expect(outcome).toBe(isAccepted ? auth : 'insufficient_claim')
  })
})
