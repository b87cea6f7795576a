import { keys, latchkey } from '../../../lib/auth'

/** Issues a token, as a sign-in does. */
export async function POST(request: Request): Promise<Response> {
  const { subject, scope } = await request.json()
  const { token } = await latchkey.issue({ subject })
  if (scope !== undefined) await keys.setGrants(subject, { scope })
  return Response.json({ token })
}

export async function DELETE(request: Request): Promise<Response> {
  const { subject } = await request.json()
  await keys.revoke(subject)
  return Response.json({})
}
