import { authProxy } from 'latchkey/next'
import { latchkey } from './lib/auth'

export const proxy = authProxy(latchkey, {
  cookie: 'token',
  onRefusal: ({ status }, request) =>
    status === 401 ? Response.redirect(new URL('/sign-in', request.url)) : undefined,
})
export const config = { matcher: '/reports/:path*' }
