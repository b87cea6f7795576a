import 'reflect-metadata'
import {
  type CanActivate,
  Controller,
  createParamDecorator,
  type DynamicModule,
  Get,
  Module,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { CurrentAuth, LatchkeyModule } from 'latchkey/nest'
import type { Route } from '../messages.js'
import { type Parts, path, portOf, routesAt } from './application.js'

/** Starts the applications with Nest on Express. */
export async function startNest({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  // A route with an identity takes it as a parameter, so the others have a parameter as well.
  const next = createParamDecorator(() => ({ subject: nextSubject() }))
  const empty: CanActivate = { canActivate: () => true }
  const ports = [
    serve(next(), []),
    serve(next(), [], empty),
    serve(CurrentAuth(), [LatchkeyModule.forRoot({ latchkey })]),
  ]
  return routesAt(await Promise.all(ports))
}

async function serve(
  identity: ParameterDecorator,
  imports: readonly DynamicModule[],
  guard?: CanActivate,
): Promise<number> {
  const app = await NestFactory.create(moduleOf(identity, imports), { logger: false, abortOnError: false })
  if (guard !== undefined) app.useGlobalGuards(guard)
  await app.listen(0, '127.0.0.1')
  return portOf(app.getHttpServer().address())
}

/** Decorators as functions: the bench is compiled without the compiler's option for them. */
function moduleOf(identity: ParameterDecorator, imports: readonly DynamicModule[]): Type {
  class Users {
    read({ subject }: { readonly subject: string }) {
      return { id: subject }
    }
  }
  identity(Users.prototype, 'read', 0)
  Get(path)(Users.prototype, 'read', Object.getOwnPropertyDescriptor(Users.prototype, 'read') ?? {})
  Controller()(Users)
  class AppModule {}
  Module({ imports: [...imports], controllers: [Users] })(AppModule)
  return AppModule
}
