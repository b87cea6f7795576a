import { base } from '../base.js'
import { ApiProblem, problemIn } from './problem.js'
import { sendRenewed } from './send.js'

/** Authenticates again with a password, or with a code of an authenticator app. */
export async function stepUpBySecret(kind: 'code' | 'password', text: string): Promise<void> {
  await post('/v1/me/step-up', { [kind]: text })
}

/** Authenticates again with a passkey. */
export async function stepUpByPasskey(): Promise<void> {
  const { challenge_token, options } = await post('/v1/me/step-up/options', {})
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  // The browser rejects if its user cancels, or if it has no passkey of the account.
  const credential = await navigator.credentials.get({ publicKey }).catch(() => null)
  if (!(credential instanceof PublicKeyCredential)) throw noPasskey
  await post('/v1/me/step-up', { challenge_token, passkey: credential.toJSON() })
}

const noPasskey = new ApiProblem({
  code: 'passkey_not_given',
  title: 'The browser has given no passkey.',
  hint: 'Try again, or use another way.',
  status: 400,
})

/** The answers of the routes of step-up, as far as the console uses them. */
interface StepUpAnswer {
  readonly challenge_token: string
  readonly options: PublicKeyCredentialRequestOptionsJSON
}

/** Sends a request that must not ask for a step-up itself. */
async function post(path: string, body: object): Promise<StepUpAnswer> {
  const response = await sendRenewed(
    new Request(new URL(base + path, location.href), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new ApiProblem(problemIn(answer, response.status))
  return answer as StepUpAnswer
}
