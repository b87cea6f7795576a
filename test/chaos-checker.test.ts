import { describe, expect, it } from 'vitest'
import { check, lastAccepts } from './chaos/checker.js'
import {
  type Change,
  type History,
  type IssuedToken,
  type KeptChange,
  type Verification,
  witness,
} from './chaos/history.js'

const token: IssuedToken = {
  token: 't',
  kid: 'first',
  tenant: 'alice',
  sessionId: 's',
  process: 'p0.1',
  askedAt: 0,
  issuedAt: 1,
}
const revoked: Change = {
  kind: 'revoke',
  tenant: 'alice',
  sessionId: 's',
  everywhere: false,
  process: 'p0.1',
  startedAt: 100,
  acknowledgedAt: 110,
}
const fault = { kind: 'network to PostgreSQL cut', cutOff: ['p1'], from: 50_000, until: 51_000 }

function verified(beganAt: number, outcome: string, process = 'p1.1'): Verification {
  return { token, process, post: process.split('.')[0] ?? '', beganAt, endedAt: beganAt + 1, outcome }
}

/** Returns the promises that a history with these events breaks. */
function broken(verifications: readonly Verification[], changes: readonly Change[] = [revoked]): string[] {
  const history: History = {
    maxStalenessMs: 1000,
    tokens: [token],
    changes,
    verifications,
    faults: [fault],
    failovers: [],
  }
  return promises(history).filter((promise) => promise !== 'unanswered_at_the_end')
}

function promises(history: History): string[] {
  return check(history).map(({ promise }) => promise)
}

describe('the checker of the chaos test', () => {
  it('passes a history that the promises allow', () => {
    expect(
      broken([verified(50, 'accepted'), verified(1109, 'accepted'), verified(120, 'token_revoked', 'p2.1')]),
    ).toEqual([])
    expect(broken([verified(105, 'token_revoked')])).toEqual([])
    expect(broken([verified(109, 'accepted', 'p0.1'), verified(50_500, 'store_unavailable')])).toEqual([])
  })

  it('reports a token that was accepted too late', () => {
    expect(broken([verified(1111, 'accepted')])).toEqual(['accepted_too_late'])
  })

  it('reports a token that was accepted by the process that had revoked it', () => {
    expect(broken([verified(111, 'accepted', 'p0.1')])).toEqual(['accepted_by_its_own_process'])
  })

  it('reports a token that was accepted by a process that had refused it', () => {
    const [refused, accepted] = [verified(105, 'token_revoked'), verified(108, 'accepted')]
    expect(broken([refused, accepted])).toEqual(['accepted_after_refusal'])
    expect(broken([refused, { ...accepted, process: 'p1.2' }])).toEqual([])
    expect(broken([refused, { ...accepted, beganAt: refused.beganAt }])).toEqual([])
  })

  it('reports a token that any process accepted after its end was reported as propagated', () => {
    const everywhere = { ...revoked, everywhere: true }
    expect(broken([verified(111, 'accepted')], [everywhere])).toEqual(['accepted_after_everywhere'])
    expect(broken([verified(109, 'accepted')], [everywhere])).toEqual([])
  })

  it('reports an acknowledged change that was lost', () => {
    expect(broken([verified(90_000, 'accepted', witness)])).toEqual(['accepted_too_late'])
  })

  it.each(['revoke', 'requireReissue', 'forget'] as const)('treats the token as ended by %s', (kind) => {
    expect(broken([verified(5000, 'accepted')], [{ ...revoked, kind }])).toEqual(['accepted_too_late'])
  })

  it('treats a rotation as the end of no token, and the end of a session as that of its own tokens only', () => {
    expect(broken([verified(5000, 'accepted')], [{ ...revoked, kind: 'rotate' }])).toEqual([])
    expect(broken([verified(5000, 'accepted')], [{ ...revoked, kind: 'revokeSession', sessionId: 'x' }])).toEqual([])
    expect(broken([verified(5000, 'accepted')], [{ ...revoked, kind: 'revokeSession' }])).toEqual(['accepted_too_late'])
  })

  it('reports a valid token that was refused, with any code', () => {
    expect(broken([verified(50, 'token_revoked')])).toEqual(['valid_token_refused'])
    expect(broken([verified(5000, 'kid_unknown')], [])).toEqual(['valid_token_refused'])
    expect(broken([verified(5000, 'reissue_required')], [{ ...revoked, kind: 'rotate' }])).toEqual([
      'valid_token_refused',
    ])
    expect(broken([verified(5000, 'session_ended')], [{ ...revoked, tenant: 'bob' }])).toEqual(['valid_token_refused'])
  })

  it('accepts both outcomes of a change without an acknowledgement', () => {
    const unknown = { ...revoked, acknowledgedAt: undefined }
    expect(broken([verified(5000, 'accepted'), verified(6000, 'token_revoked')], [unknown])).toEqual([])
  })

  it('accepts a token signed with an ended secret only from a process that has not received the change', () => {
    const before = { ...revoked, startedAt: -200, acknowledgedAt: -100 }
    expect(broken([verified(50, 'token_revoked')], [{ ...before, process: 'p1.1' }])).toEqual([])
    expect(broken([verified(50, 'token_revoked')], [before])).toEqual(['valid_token_refused'])
    expect(broken([verified(50, 'token_revoked')], [{ ...before, process: 'p1.1', everywhere: true }])).toEqual([
      'valid_token_refused',
    ])
    const longBefore = { ...before, process: 'p1.1', startedAt: -2000, acknowledgedAt: -1900 }
    expect(broken([verified(50, 'token_revoked')], [longBefore])).toEqual(['valid_token_refused'])
  })

  it('reports 503 outside fault periods', () => {
    expect(broken([verified(5000, 'store_unavailable')])).toEqual(['unavailable_in_calm'])
    expect(broken([verified(51_001, 'store_unavailable')])).toEqual(['unavailable_in_calm'])
  })

  it('reports 503 from a process that the fault does not affect', () => {
    expect(broken([verified(50_500, 'store_unavailable', 'p0.1')])).toEqual(['unavailable_in_calm'])
  })

  it('reports a secret that signs again after its replacement', () => {
    const kinds = ['rotate', 'revoke', 'requireReissue', 'forget'] as const
    const again: IssuedToken = { ...token, token: 't2', process: 'p1.1', askedAt: 1111, issuedAt: 1112 }
    const history: History = {
      maxStalenessMs: 1000,
      tokens: [token, again],
      changes: [],
      verifications: [],
      faults: [],
      failovers: [],
    }
    const signedAgain = (second: IssuedToken, change: Change) =>
      promises({ ...history, tokens: [token, second], changes: [change] }).includes('signed_with_an_old_secret')
    for (const kind of kinds) expect(signedAgain(again, { ...revoked, kind })).toBe(true)
    expect(signedAgain({ ...again, process: 'p0.1', askedAt: 111 }, { ...revoked, kind: 'rotate' })).toBe(true)
    expect(signedAgain({ ...again, askedAt: 1109 }, { ...revoked, kind: 'rotate' })).toBe(false)
    expect(signedAgain({ ...again, kid: 'second' }, { ...revoked, kind: 'rotate' })).toBe(false)
    expect(signedAgain(again, { ...revoked, kind: 'revokeSession' })).toBe(false)
    expect(signedAgain(again, { ...revoked, acknowledgedAt: undefined })).toBe(false)
  })

  describe('of a failover to a copy that lacks the last commits', () => {
    /** p1 and p2 leave the old database at once and after a second; p0 at the end. */
    const failover = {
      from: 10_000,
      until: 14_000,
      leftAt: { p0: 14_000, p1: 11_000, p2: 12_000 },
      kept: [] as KeptChange[],
    }
    const early = verified(5000, 'accepted', 'p2.1')
    const change = { ...revoked, startedAt: 11_100, acknowledgedAt: 11_110, process: 'p1.1' }
    const held = [{ tenant: 'alice', at: 11_105 }]

    function violated(
      verifications: readonly Verification[],
      {
        changes = [change],
        kept = held,
        tokens = [token],
      }: Partial<Pick<History, 'changes' | 'tokens'>> & { kept?: KeptChange[] },
    ): string[] {
      const failovers = [{ ...failover, kept }]
      const history: History = { maxStalenessMs: 1000, tokens, changes, verifications, faults: [], failovers }
      return promises(history).filter((promise) => promise !== 'unanswered_at_the_end')
    }

    it('excuses the loss of a change that only the old database has, for every process', () => {
      const lost = { ...change, process: 'p0.1' }
      const answers = [verified(90_000, 'accepted', witness), verified(13_000, 'token_revoked', 'p0.1')]
      expect(violated(answers, { changes: [lost], kept: [] })).toEqual([])
      expect(violated([...answers, verified(90_000, 'accepted', 'p0.1')], { changes: [lost], kept: [] })).toEqual([])
    })

    it('excuses no loss of a change that the copy holds, that is earlier, or whose process had left', () => {
      const accepted = [verified(90_000, 'accepted', witness)]
      const earlier = { ...revoked, startedAt: 9000, acknowledgedAt: 9999 }
      expect(violated(accepted, { changes: [{ ...change, process: 'p0.1' }] })).toEqual(['accepted_too_late'])
      expect(violated(accepted, { changes: [earlier], kept: [] })).toEqual(['accepted_too_late'])
      expect(violated(accepted, { kept: [] })).toEqual(['accepted_too_late'])
    })

    it('binds a process by the changes in the copy from when it has left the old database', () => {
      expect(violated([verified(12_999, 'accepted', 'p2.1')], {})).toEqual([])
      expect(violated([verified(13_001, 'accepted', 'p2.1')], {})).toEqual(['accepted_too_late'])
      expect(violated([verified(14_999, 'accepted', 'p0.1')], {})).toEqual([])
      expect(violated([verified(15_001, 'accepted', 'p0.1')], {})).toEqual(['accepted_too_late'])
      const later = { ...change, startedAt: 20_000, acknowledgedAt: 20_010 }
      expect(violated([verified(21_011, 'accepted', 'p0.1')], { changes: [later] })).toEqual(['accepted_too_late'])
    })

    it('lets a change wait for the processes whose lease the copy holds and that have left', () => {
      const everywhere = { ...change, startedAt: 12_001, acknowledgedAt: 12_100, everywhere: true }
      const answer = verified(12_200, 'accepted', 'p2.1')
      const kept = [{ tenant: 'alice', at: 12_050 }]
      expect(violated([early, answer], { changes: [everywhere], kept })).toEqual(['accepted_after_everywhere'])
      expect(violated([answer], { changes: [everywhere], kept })).toEqual([])
      expect(violated([early, answer], { changes: [{ ...everywhere, startedAt: 11_999 }], kept })).toEqual([])
      expect(violated([verified(13_001, 'accepted', 'p2.1')], { changes: [everywhere], kept })).toEqual([
        'accepted_after_everywhere',
      ])
    })

    it('excuses the refusal of a token whose secret was new then, also before the process accepts it', () => {
      const fresh = { ...token, askedAt: 10_500, issuedAt: 10_501, process: 'p0.1' }
      const refused = { ...verified(11_500, 'token_revoked', 'p2.1'), token: fresh }
      const accepted = { ...verified(13_500, 'accepted', 'p2.1'), token: fresh }
      expect(violated([refused, accepted], { changes: [], tokens: [fresh] })).toEqual([])
      expect(violated([refused, accepted], { changes: [], tokens: [token, fresh] })).toEqual([
        'valid_token_refused',
        'accepted_after_refusal',
      ])
      const late = { ...refused, beganAt: 13_001, endedAt: 13_002 }
      expect(violated([late, accepted], { changes: [], tokens: [fresh] })).toEqual(['accepted_after_refusal'])
    })

    it('excuses the refusal of a token whose secret only the copy has, until the process has left', () => {
      const fresh = { ...token, askedAt: 12_200, issuedAt: 12_201, process: 'p1.1' }
      const refuse = (beganAt: number) => [{ ...verified(beganAt, 'token_revoked', 'p0.1'), token: fresh }]
      expect(violated(refuse(14_999), { changes: [], tokens: [fresh] })).toEqual([])
      expect(violated(refuse(15_001), { changes: [], tokens: [fresh] })).toEqual(['valid_token_refused'])
    })
  })

  it('requires the witness to verify every token', () => {
    const history: History = {
      maxStalenessMs: 1000,
      tokens: [token],
      changes: [],
      verifications: [],
      faults: [fault],
      failovers: [],
    }
    const ask = (...verifications: Verification[]) => promises({ ...history, verifications })
    expect(ask(verified(90_000, 'accepted', witness))).toEqual([])
    expect(ask()).toEqual(['unanswered_at_the_end'])
    expect(ask(verified(90_000, 'accepted'))).toEqual(['unanswered_at_the_end'])
    expect(ask(verified(90_000, 'store_unavailable', witness))).toContain('unanswered_at_the_end')
  })

  it('returns the time until each change took effect', () => {
    const verifications = [verified(50, 'accepted'), verified(150, 'accepted'), verified(130, 'accepted')]
    const history = {
      maxStalenessMs: 1000,
      tokens: [token],
      changes: [revoked],
      verifications,
      faults: [],
      failovers: [],
    }
    expect(lastAccepts(history)).toEqual([40])
    expect(lastAccepts({ ...history, verifications: [] })).toEqual([0])
  })
})
