import { useRoute } from 'preact-iso'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { CopyButton } from '../../ui/copy-button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { Facts } from '../../ui/facts.js'
import { Loaded } from '../../ui/loaded.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import type { User } from '../users/use-user-list.js'
import { UserState } from '../users/user-state.js'
import { AuditSection } from './audit-section.js'
import { FactorsSection } from './factors-section.js'
import { GrantsSection } from './grants-section.js'
import { SecretsSection } from './secrets-section.js'
import { SessionsSection } from './sessions-section.js'
import { UserActions } from './user-actions.js'
import './user.css'

/** The page of one user. */
export default function UserPage() {
  const { id = '' } = useRoute().params
  const user = useAnswer(`user ${id}`, (signal) =>
    answer(api.GET('/v1/admin/users/{id}', { params: { path: { id } }, signal })),
  )
  const { data } = user
  // Everything on the page may change with an action.
  const version = useVersion(data)
  return (
    <Page
      title={data?.email ?? 'User'}
      intro={<a href={`${consolePath}/users`}>All users</a>}
      actions={<CurlButton method="GET" path={`/v1/admin/users/${id}`} />}
    >
      <Loaded answer={user}>
        {(shown) => (
          <>
            {mayChange() ? <UserActions user={shown} onDone={user.reload} /> : null}
            <div class="columns">
              <Profile user={shown} />
              <GrantsSection user={shown} onDone={user.reload} />
            </div>
            <SecretsSection id={id} version={version} />
            <SessionsSection id={id} version={version} />
            <FactorsSection user={shown} version={version} />
            <AuditSection id={id} version={version} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

let versions = 0
const versionOf = new WeakMap<object, number>()

/** Returns a number that changes with every answer, so that the sections load again after it. */
function useVersion(data: User | undefined): number {
  if (data === undefined) return 0
  const known = versionOf.get(data)
  if (known !== undefined) return known
  versions += 1
  versionOf.set(data, versions)
  return versions
}

function Profile({ user }: { readonly user: User }) {
  const { id, name, email_verified, locale, created_at, last_login_at, disabled_at, profile } = user
  const hasProfile = Object.keys(profile).length > 0
  return (
    <Section title="Account" actions={<CopyButton label="Copy the ID" text={id} />}>
      <Facts
        entries={[
          ['State', <UserState key="state" user={user} />],
          ['Name', name ?? '–'],
          ['Address', email_verified ? 'verified' : 'not verified'],
          ['Language', locale ?? 'by the browser'],
          ['Created', <Time key="created" at={created_at} full />],
          ['Last login', <Time key="login" at={last_login_at} full />],
          ...(disabled_at === null ? [] : [['Disabled', <Time key="disabled" at={disabled_at} full />] as const]),
          ['ID', <code key="id">{id}</code>],
        ]}
      />
      {hasProfile ? (
        <details>
          <summary>Data that applications store with the account</summary>
          <pre class="wrapped">{JSON.stringify(profile, null, 2)}</pre>
        </details>
      ) : null}
      <p class="links">
        <a href={`${consolePath}/letters?account=${id}`}>Letters sent to this account</a>
      </p>
    </Section>
  )
}
