import type { ComponentChildren } from 'preact'
import { consolePath } from '../../base.js'
import { Badge } from '../../ui/badge.js'
import { DataTable } from '../../ui/data-table.js'
import { Facts } from '../../ui/facts.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { ClaimTable } from './claim-table.js'
import type { Inspection } from './inspection.js'
import { RightsFacts } from './rights-facts.js'

const kinds = {
  access_token: 'An access token',
  service_token: 'A token for another service',
  refresh_token: 'A refresh token',
  unknown: 'Not a token of this server',
} as const

const checkTitles = {
  form: 'Form',
  key_id: 'Key ID',
  secret: 'Secret',
  algorithm: 'Algorithm',
  signature: 'Signature',
  claims: 'Claims',
  times: 'Times',
  session: 'Session',
  grants: 'Rights',
} as const

const outcomes = {
  passed: <Badge kind="good">Passed</Badge>,
  refused: <Badge kind="bad">Refused</Badge>,
  not_checked: <Badge>Not checked</Badge>,
  not_applicable: <Badge>Does not apply</Badge>,
} as const

/** What the server says of a token: the verdict first, then its reasons, then the content. */
export function InspectionResult({ found }: { readonly found: Inspection }) {
  const { checks, verified, header, claims, checked_at: checkedAt } = found
  const trust = verified ? (
    <Badge kind="good">Signed by its owner</Badge>
  ) : (
    <Badge kind="warning">Claimed, not verified</Badge>
  )
  return (
    <>
      <div class="columns">
        <Verdict found={found} />
        <StoredFacts found={found} />
      </div>
      {checks.length === 0 ? null : (
        <Section title="Checks">
          <DataTable
            caption="Checks of the token, in their order"
            columns={[
              { title: 'Check', cell: ({ name }) => <span class="words">{checkTitles[name]}</span> },
              { title: 'Outcome', cell: ({ outcome }) => outcomes[outcome] },
              { title: 'Why', cell: ({ explanation }) => explanation },
              { title: 'Contract', cell: ({ contract }) => contract },
            ]}
            rows={checks}
            rowKey={({ name }) => name}
            empty={null}
          />
        </Section>
      )}
      {claims === null ? null : (
        <Section title="Claims" actions={trust}>
          <ClaimTable caption="Claims" members={claims} now={checkedAt} />
        </Section>
      )}
      {header === null ? null : (
        <Section title="Header" actions={trust}>
          <ClaimTable caption="Header" members={header} now={checkedAt} />
        </Section>
      )}
    </>
  )
}

function Verdict({ found }: { readonly found: Inspection }) {
  const { kind, accepted, refusal, checked_at: checkedAt } = found
  const isDecided = kind === 'access_token' || kind === 'service_token'
  return (
    <Section
      title={kinds[kind]}
      actions={
        accepted ? (
          <Badge kind="good">Accepted now</Badge>
        ) : (
          <Badge kind="bad">{isDecided ? 'Refused now' : 'No API accepts it'}</Badge>
        )
      }
    >
      <div role="status">
        {refusal === null ? (
          <p>Every check is passed.</p>
        ) : (
          <>
            <p>
              <strong>{refusal.message}</strong>
            </p>
            <p>{refusal.hint}</p>
            <p class="hint">
              <code>{refusal.code}</code>
            </p>
          </>
        )}
      </div>
      <p class="hint">
        Checked <Time at={checkedAt} full />, by the clock of the server.
      </p>
    </Section>
  )
}

/** Facts from the database, which no token can change. */
function StoredFacts({ found }: { readonly found: Inspection }) {
  const { owner, secret, session, grants, verified } = found
  if (owner === null && secret === null && session === null) return null
  const entries: (readonly [string, ComponentChildren])[] = []
  if (owner !== null) {
    const { kind, id, label, name, disabled } = owner
    const href = kind === 'account' ? `${consolePath}/users/${id}` : `${consolePath}/clients?client=${id}`
    entries.push([
      kind === 'account' ? 'Account' : 'Client',
      <>
        <a href={href}>{label}</a> {name} {disabled ? <Badge kind="bad">Disabled</Badge> : null}
      </>,
    ])
  }
  if (secret !== null) entries.push(...secretEntries(secret))
  if (session !== null) {
    const { device, created_at: createdAt, ended_at: endedAt } = session
    entries.push(['Session', device ?? session.id], ['Session started', <Time key="started" at={createdAt} full />])
    entries.push(['Session ended', endedAt === null ? 'no' : <Time key="ended" at={endedAt} full />])
  }
  return (
    <Section title="In the database">
      {verified ? null : (
        <p>
          The key ID names this {secret === null ? 'owner' : 'secret'}. Nothing proves that its owner has made the
          token.
        </p>
      )}
      <Facts entries={entries} />
      {grants === null ? null : <RightsFacts grants={grants} />}
    </Section>
  )
}

const states = {
  active: <Badge kind="good">Active: it signs</Badge>,
  in_grace: <Badge kind="warning">In its grace period</Badge>,
  ended: <Badge kind="bad">Ended</Badge>,
} as const

function secretEntries(secret: NonNullable<Inspection['secret']>): (readonly [string, ComponentChildren])[] {
  const { generation, state, created_at: createdAt, retires_at: retiresAt, reissue_required: mustReissue } = secret
  return [
    ['Secret version', `Generation ${generation}`],
    ['State of the secret', states[state]],
    ['Secret created', <Time key="created" at={createdAt} full />],
    ...(retiresAt === null ? [] : [['Verifies until', <Time key="retires" at={retiresAt} full />] as const]),
    ...(mustReissue ? [['New tokens', 'Its tokens are refused until they are refreshed.'] as const] : []),
  ]
}
