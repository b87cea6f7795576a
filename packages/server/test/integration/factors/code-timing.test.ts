import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SecondFactorAnswer } from '../../../src/accounts/second-step.js'
import { isProblem } from '../../../src/problem.js'
import { type Person, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'
import { differSignificantly, timeInTurns } from '../../support/timing.js'
import { type Authenticator, addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const pairs = 40
const challengeTtlMs = 600_000
const origin = { address: '127.0.0.1', userAgent: null }

const refusalOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (error: unknown) => (isProblem(error) ? error.code : String(error)),
  )

/** A wrong answer to a challenge, and the code of the refusal. */
interface WrongAnswer {
  readonly to: Awaited<ReturnType<typeof firstStep>>
  readonly answer: SecondFactorAnswer
  readonly refusal: string
}

describe('the time of the answer to a wrong second step', () => {
  let running: TestServer
  let person: Person
  let app: Authenticator
  let usedCode: string
  let usedRecoveryCode: string

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
    person = await register(running)
    const added = await addAuthenticator(running, person)
    app = added.app
    usedCode = app.nextCode()
    await secondStep(running, await firstStep(running, person.email), { code: usedCode })
    usedRecoveryCode = added.recoveryCodes[0] ?? ''
    await secondStep(running, await firstStep(running, person.email), { recovery_code: usedRecoveryCode })
  })
  afterAll(() => running.stop())

  // Without HTTP, whose noise would hide the difference.
  const reveals = (one: WrongAnswer, other: WrongAnswer) => {
    const { secondStep: domain, store } = running.server.service
    const prepare =
      ({ to, answer, refusal }: WrongAnswer) =>
      async () => {
        // Before any delay applies.
        await store.query('delete from server_guess_lanes')
        const input = { challengeToken: to.body.challenge_token, answer }
        return async () => expect(await refusalOf(domain.complete(input, origin, to.body.device_token))).toBe(refusal)
      }
    return differSignificantly(() => timeInTurns(pairs, { one: prepare(one), other: prepare(other) }))
  }
  const wrong = 'second_factor_wrong'

  it('does not reveal whether a code of the app was right before', async () => {
    const to = await firstStep(running, person.email)
    const used: WrongAnswer = { to, answer: { method: 'totp', code: usedCode }, refusal: wrong }
    expect(await reveals(used, { to, answer: { method: 'totp', code: app.wrongCode() }, refusal: wrong })).toBe(false)
  })

  it('does not reveal whether a recovery code was right before', async () => {
    const to = await firstStep(running, person.email)
    const used: WrongAnswer = { to, answer: { method: 'recovery_code', code: usedRecoveryCode }, refusal: wrong }
    const never = 'ABCDEF-ABCDEF-ABCDEF-ABCDEF'
    expect(await reveals(used, { to, answer: { method: 'recovery_code', code: never }, refusal: wrong })).toBe(false)
  })

  it('does not reveal whether there was such a challenge, so that the password was right', async () => {
    const expired = await firstStep(running, person.email)
    running.clock.advance(challengeTtlMs + 1000)
    const invented = { ...expired, body: { ...expired.body, challenge_token: 'A'.repeat(43) } }
    const answer = { method: 'totp', code: app.wrongCode() } as const
    const refusal = 'challenge_invalid'
    expect(await reveals({ to: expired, answer, refusal }, { to: invented, answer, refusal })).toBe(false)
  })

  it('would reveal it: the same measurement finds a compared code beside one that is not compared', async () => {
    const to = await firstStep(running, person.email)
    const answer = { method: 'totp', code: app.wrongCode() } as const
    const invented = { ...to, body: { ...to.body, challenge_token: 'A'.repeat(43) } }
    const unknown = { to: invented, answer, refusal: 'challenge_invalid' }
    expect(await reveals({ to, answer, refusal: wrong }, unknown)).toBe(true)
  })
})
