import { type AuthContext, requireScope, withAuth } from 'latchkey/next'
import type { NextRequest } from 'next/server'
import { latchkey } from '../../../../lib/auth'

const checkWriter = requireScope('posts:write')
type Context = AuthContext & { readonly params: Promise<{ id: string }> }

export const GET = withAuth(latchkey, async (_request, { auth, params }: Context) => {
  return Response.json({ id: (await params).id, reader: auth.subject })
})

export const DELETE = withAuth(
  latchkey,
  async (request: NextRequest, { auth, params }: Context) => {
    const { pathname } = request.nextUrl
    return Response.json({ id: (await params).id, deletedBy: checkWriter(auth).subject, pathname })
  },
  { cookie: 'token' },
)
