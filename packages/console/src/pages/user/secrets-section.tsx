import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Badge } from '../../ui/badge.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { Actor } from './actor.js'

type Secrets = operations['describeSecrets']['responses'][200]['content']['application/json']
type Secret = Secrets['secrets'][number]
type Entry = operations['readAudit']['responses'][200]['content']['application/json']['entries'][number]

/** What has ended an earlier secret, by the event of the audit log. */
const endings: Readonly<Record<string, string>> = {
  secret_rotate: 'was replaced by a rotation',
  secret_revoke: 'was revoked by an administrator',
  secret_leak: 'ended because it had leaked',
  account_disable: 'ended when the account was disabled',
  password_change: 'ended when the password was changed',
  password_reset: 'ended when the password was reset',
  password_require: 'ended when a new password was required',
  logout_all: 'ended when the owner signed out everywhere',
  factor_reset: 'ended when the factors were reset',
}

interface SecretsSectionProps {
  readonly id: string
  /** Loads again when it changes. */
  readonly version: number
}

/**
 * The versions of the secret, newest first: those that live, and what has ended earlier ones. An
 * ended secret is deleted, so that only the audit log knows of it.
 */
export function SecretsSection({ id, version }: SecretsSectionProps) {
  const secrets = useAnswer(`secrets ${id} ${version}`, async (signal) => {
    const [live, log] = await Promise.all([
      answer(api.GET('/v1/admin/users/{id}/secrets', { params: { path: { id } }, signal })),
      answer(api.GET('/v1/admin/audit', { params: { query: { account: id, outcome: 'done', limit: 100 } }, signal })),
    ])
    return { live: live.secrets, ended: endedIn(log.entries, live.secrets) }
  })
  return (
    <Section title="Secret versions">
      <Loaded answer={secrets}>{({ live, ended }) => <TimeLine live={live} ended={ended} />}</Loaded>
    </Section>
  )
}

/** The times of a secret and of the entry of its rotation may differ a little. */
const toleranceMs = 1000

/** Returns the entries of ended secrets: the replaced secret of a later rotation is still in grace. */
function endedIn(entries: readonly Entry[], live: readonly Secret[]): readonly Entry[] {
  const oldest = Math.min(...live.map(({ created_at }) => Date.parse(created_at)))
  const isEnded = ({ event, at }: Entry) => event !== 'secret_rotate' || Date.parse(at) <= oldest + toleranceMs
  return entries.filter((entry) => entry.event in endings && isEnded(entry))
}

interface TimeLineProps {
  readonly live: readonly Secret[]
  readonly ended: readonly Entry[]
}

function TimeLine({ live, ended }: TimeLineProps) {
  const newestFirst = [...live].sort((one, other) => other.generation - one.generation)
  return (
    <>
      {live.length === 0 ? (
        <p>The account has no secret now. Its next sign-in creates one; no token of it is valid.</p>
      ) : null}
      <ol class="time-line">
        {newestFirst.map((secret) => (
          <Version key={secret.kid} secret={secret} />
        ))}
        {ended.map(({ id, at, event, actor, account }) => (
          <li key={id}>
            <p>
              <Badge>ended</Badge> An earlier secret {endings[event]} <Time at={at} /> by{' '}
              <Actor actor={actor} account={account} />
            </p>
          </li>
        ))}
      </ol>
      <p class="hint">The secrets themselves never leave the server. An ended one is deleted.</p>
    </>
  )
}

function Version({ secret }: { readonly secret: Secret }) {
  const { kid, generation, algorithm, created_at, retires_at, master_key_id } = secret
  return (
    <li class={retires_at === null ? 'active' : 'grace'}>
      <p>
        {retires_at === null ? (
          <>
            <Badge kind="good">active</Badge> Version {generation} signs and verifies tokens
          </>
        ) : (
          <>
            <Badge kind="warning">in grace</Badge> Version {generation} verifies until its grace period ends{' '}
            <Time at={retires_at} />
          </>
        )}
      </p>
      <p class="hint">
        Created <Time at={created_at} />, {algorithm}, key ID <code>{kid}</code>, sealed under the master key{' '}
        <code>{master_key_id}</code>
      </p>
    </li>
  )
}
