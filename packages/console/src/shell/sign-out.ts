import { answer, api } from '../api/client.js'
import { asProblem } from '../api/problem.js'
import { base } from '../base.js'
import { showToast } from '../ui/toasts.js'

/** Ends the session, and leaves the console. */
export async function signOut(): Promise<void> {
  try {
    await answer(api.POST('/v1/logout'))
    location.assign(`${base}/sign-in`)
  } catch (error) {
    showToast(`You are still signed in. ${asProblem(error).message}`)
  }
}
