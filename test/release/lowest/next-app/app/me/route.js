import { withAuth } from 'latchkey/next'
import { keys, latchkey, tokenFor } from '../latchkey.js'

export const dynamic = 'force-dynamic'
export const GET = withAuth(latchkey, (_request, { auth }) => Response.json({ id: auth.subject }))

export async function POST() {
  return Response.json({ token: await tokenFor('ada') })
}

export async function DELETE() {
  await keys.revoke('ada')
  return Response.json({})
}
