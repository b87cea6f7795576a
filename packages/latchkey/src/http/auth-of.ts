import type { Auth } from '../auth.js'

/**
 * Returns whom the token of this request speaks for. For handlers whose types cannot know that `requireAuth` is before
 * them, such as behind one for the whole application.
 *
 * @throws TypeError where no `requireAuth` let the request pass.
 * @example
 * app.use(requireAuth(latchkey))
 * app.get('/me', (req, res) => res.json({ id: authOf(req).subject }))
 */
export function authOf(request: object): Auth {
  const { auth } = request as { readonly auth?: Auth | null }
  if (auth === undefined || auth === null) throw new TypeError('requireAuth must run before this handler.')
  return auth
}

/** Puts into the request whom its token speaks for. Its type does not say so: other libraries have an `auth` as well. */
export function setAuth(request: object, auth: Auth): void {
  ;(request as { auth: Auth }).auth = auth
}
