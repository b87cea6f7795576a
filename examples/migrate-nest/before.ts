/** Before: @nestjs/jwt signs and verifies with one secret, in a guard of the application. */

import 'reflect-metadata'
import { scryptSync, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  Post,
  Req,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common'
import { APP_GUARD, NestFactory, Reflector } from '@nestjs/core'
import { JwtModule, JwtService } from '@nestjs/jwt'
import { DatabaseSync } from '@photostructure/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
database.exec('create table if not exists users (id text primary key, email text unique, password blob, role text)')
const addUser = database.prepare('insert or ignore into users values (?, ?, ?, ?)')
addUser.run('user-1', 'ada@example.com', scryptSync('correct horse', 'ada@example.com', 32), 'editor')

interface Payload {
  readonly sub: string
  readonly role: string
  readonly theme: string
}

interface JwtRequest {
  readonly headers: { readonly authorization?: string }
  user: Payload
}

const Public = () => SetMetadata('public', true)
const Roles = (...roles: string[]) => SetMetadata('roles', roles)

@Injectable()
class JwtGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.get<boolean>('public', context.getHandler())) return true
    const request = context.switchToHttp().getRequest<JwtRequest>()
    const [scheme, token = ''] = request.headers.authorization?.split(' ') ?? []
    if (scheme !== 'Bearer') throw new UnauthorizedException()
    request.user = await this.jwt.verifyAsync<Payload>(token).catch(() => {
      throw new UnauthorizedException()
    })
    const roles = this.reflector.get<string[] | undefined>('roles', context.getHandler())
    if (roles !== undefined && !roles.includes(request.user.role)) throw new ForbiddenException()
    return true
  }
}

@Controller()
class AppController {
  constructor(private readonly jwt: JwtService) {}

  @Public()
  @Post('login')
  async login(@Body() { email, password }: { email: string; password: string }) {
    const user = database.prepare('select id, password, role from users where email = ?').get(email)
    if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
      throw new UnauthorizedException()
    }
    return { token: await this.jwt.signAsync({ sub: user.id, role: user.role, theme: 'dark' }) }
  }

  @Get('me')
  me(@Req() { user }: JwtRequest) {
    return { id: user.sub, theme: user.theme }
  }

  @Roles('editor')
  @Get('drafts')
  drafts() {
    return { drafts: [] }
  }
}

@Module({
  imports: [JwtModule.register({ secret: JWT_SECRET, signOptions: { expiresIn: '7d' } })],
  controllers: [AppController],
  providers: [{ provide: APP_GUARD, useClass: JwtGuard }],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(PORT, '127.0.0.1')
console.log(`up at http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`)
