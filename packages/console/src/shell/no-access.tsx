import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { refusedAccess } from '../api/refused-access.js'
import { base } from '../base.js'
import { Button } from '../ui/button.js'
import { signOut } from './sign-out.js'

/** The answer to an account that has no right to use the console. */
export function NotAdministrator({ hadAccess }: { readonly hadAccess: boolean }) {
  return (
    <Alone title={hadAccess ? 'Your right to use the console has ended' : 'The console is for administrators'}>
      <p>
        {hadAccess
          ? 'An administrator has changed the role of your account while this page was open. What you did before has taken effect.'
          : 'Your account is not an administrator of this server. An administrator can change its role.'}
      </p>
      <p class="actions">
        <a class="button" href={`${base}/account`}>
          Your account
        </a>
        <Button onClick={signOut}>Sign out</Button>
      </p>
    </Alone>
  )
}

/** The answer to an administrator without the second factor that this server demands. */
export function SecondFactorMissing({ reload }: { readonly reload: () => Promise<void> }) {
  const tryAgain = async () => {
    refusedAccess.value = undefined
    await reload()
  }
  return (
    <Alone title="Add a second factor first">
      <p>
        Administrators of this server sign in with a second factor, because a password alone can be guessed or stolen.
        Your account has none yet.
      </p>
      <ol>
        <li>
          Open <a href={`${base}/account`}>your account</a>, and add a passkey or an authenticator app.
        </li>
        <li>Keep the recovery codes in a safe place.</li>
        <li>Come back to this page.</li>
      </ol>
      <p class="actions">
        <a class="button primary" href={`${base}/account`}>
          Open your account
        </a>
        <Button onClick={tryAgain}>Try again</Button>
      </p>
      <p class="hint">
        The server has refused this with <code>second_factor_required_for_admin</code>; the setting is
        LATCHKEY_ADMIN_SECOND_FACTOR.
      </p>
    </Alone>
  )
}

/** A page without the frame. */
export function Alone({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – Latchkey console`
  }, [title])
  return (
    <main class="alone">
      <h1>{title}</h1>
      {children}
    </main>
  )
}
