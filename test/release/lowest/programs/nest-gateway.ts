import 'reflect-metadata'
import { Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { IoAdapter } from '@nestjs/platform-socket.io'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import { type Auth, AuthGuard, CurrentAuth, LatchkeyModule } from 'latchkey/nest'
import { connect } from 'socket.io-client'
import { headersWith, outcomeOf, portOf } from '../served.js'

export const peer = '@nestjs/websockets'

@UseGuards(AuthGuard)
@WebSocketGateway()
class Chat {
  @SubscribeMessage('who')
  who(@CurrentAuth() auth: Auth): object {
    return { event: 'you', data: { code: auth.subject } }
  }
}

export const outcome = () =>
  outcomeOf(async (latchkey) => {
    @Module({ imports: [LatchkeyModule.forRoot({ latchkey })], providers: [Chat] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false })
    app.useWebSocketAdapter(new IoAdapter(app))
    await app.listen(0, '127.0.0.1')
    const port = portOf(app.getHttpServer())
    return {
      ask: (token) =>
        new Promise((resolve) => {
          const extraHeaders = headersWith(token)
          const client = connect(`http://127.0.0.1:${port}`, { forceNew: true, reconnection: false, extraHeaders })
          for (const event of ['you', 'exception']) client.on(event, ({ code }) => resolve(code))
          client.emit('who', {})
        }),
      close: () => app.close(),
    }
  })
