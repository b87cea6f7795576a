import Hapi from '@hapi/hapi'

const signIn = () => ({ token: '' })
const me = () => ({ id: 'guest' })
const server = Hapi.server({ port: process.env.PORT })
server.route({ method: 'POST', path: '/sign-in', handler: signIn })
server.route({ method: 'GET', path: '/me', handler: me })
await server.start()
