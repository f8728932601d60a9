// The lie: "a viewer that reads nothing is sent away, and one that is only slow is not". A socket of cardboard, and a clock that is
// told.
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Viewer } from './viewer.ts';

class Socket extends EventEmitter {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  closedWith: number | undefined;

  send(frame: Buffer): void {
    this.bufferedAmount += frame.length;
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = WebSocket.CLOSED;
    this.emit('close');
  }
}

function connected(): { readonly socket: Socket; readonly viewer: Viewer } {
  const socket = new Socket();
  return { socket, viewer: new Viewer(socket as unknown as WebSocket, new PassThrough()) };
}

const FRAME = Buffer.alloc(600_000);
const EVERY_MS = 5000;

it('is sent away when it has read nothing for half a minute', () => {
  const { socket, viewer } = connected();
  viewer.send(FRAME);
  for (let now = 0; now <= 30_000; now += EVERY_MS) {
    expect(socket.closedWith).toBeUndefined();
    viewer.checkPatience(now + 1);
  }
  expect(socket.closedWith).toBe(1013);
});

it('is not sent away while it reads, though more comes than it can read', () => {
  const { socket, viewer } = connected();
  for (let now = 0; now <= 300_000; now += EVERY_MS) {
    while (viewer.hasRoom) viewer.send(FRAME);
    viewer.checkPatience(now);
    socket.bufferedAmount -= 1000;
  }
  expect(viewer.hasRoom).toBe(false);
  expect(socket.closedWith).toBeUndefined();
});

it('is not sent away when there is nothing to read', () => {
  const { socket, viewer } = connected();
  for (let now = 0; now <= 300_000; now += EVERY_MS) viewer.checkPatience(now);
  expect(socket.closedWith).toBeUndefined();
});

it('has no room for more than a megabyte and a frame', () => {
  const { socket, viewer } = connected();
  for (let i = 0; i < 100 && viewer.hasRoom; i++) viewer.send(FRAME);
  expect(viewer.sent).toBe(2);
  expect(viewer.waitingBytes).toBe(1_200_000);
  socket.bufferedAmount = 0;
  expect(viewer.hasRoom).toBe(true);
});
