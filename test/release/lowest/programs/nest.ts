import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type Auth, CurrentAuth, LatchkeyModule } from 'latchkey/nest'
import { outcomeOf, servedAt } from '../served.js'

export const peer = '@nestjs/core'

@Controller()
class Users {
  @Get('me')
  read(@CurrentAuth() auth: Auth): object {
    return { id: auth.subject }
  }
}

export const outcome = () =>
  outcomeOf(async (latchkey) => {
    @Module({ imports: [LatchkeyModule.forRoot({ latchkey })], controllers: [Users] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false })
    await app.listen(0, '127.0.0.1')
    return servedAt(app.getHttpServer(), '/me', () => app.close())
  })
