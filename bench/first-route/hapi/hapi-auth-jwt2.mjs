import Hapi from '@hapi/hapi'
import plugin from 'hapi-auth-jwt2'
import jwt from 'jsonwebtoken'

const key = process.env.JWT_SECRET
const validate = () => ({ isValid: true })
const signIn = () => ({ token: jwt.sign({ sub: 'ada' }, key, { expiresIn: '15m' }) })
const me = (request) => ({ id: request.auth.credentials.sub })
const server = Hapi.server({ port: process.env.PORT })
await server.register(plugin)
server.auth.strategy('token', 'jwt', { key, validate, verifyOptions: { algorithms: ['HS256'] } })
server.route({ method: 'POST', path: '/sign-in', handler: signIn })
server.route({ method: 'GET', path: '/me', handler: me, options: { auth: 'token' } })
await server.start()
