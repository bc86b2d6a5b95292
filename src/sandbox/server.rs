//! How connections come, are served, and end.

use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;

use super::http::{self, Reset};
use super::socket::Socket;
use super::state::State;
use super::{Options, SandboxError};

/// How long calls that are being answered may take once the sandbox is to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// How long to wait when the system has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Says by `ready` whether the state could be made, and serves until `stopped` is dropped at its
/// other end.
pub(super) fn run(
    runtime: &Runtime,
    listener: TcpListener,
    options: Options,
    ready: &mpsc::Sender<Result<(), SandboxError>>,
    stopped: oneshot::Receiver<()>,
) {
    let state = match State::new(options) {
        Ok(state) => Rc::new(state),
        Err(error) => {
            // Whoever started this waits for it.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let tasks = LocalSet::new();
    tasks.block_on(runtime, async {
        let (closing, open) = watch::channel(());
        tokio::select! {
            () = accept(listener, state, open) => {}
            // An error is the sender having gone: that is the signal.
            _ = stopped => {}
        }
        drain(closing).await;
    });
}

async fn accept(listener: TcpListener, state: Rc<State>, open: watch::Receiver<()>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::task::spawn_local(serve(stream, Rc::clone(&state), open.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Asks every connection to end after its current answer, and waits for them, a while.
async fn drain(closing: watch::Sender<()>) {
    closing.send_replace(());
    let _ = tokio::time::timeout(DRAIN, closing.closed()).await;
}

async fn serve(stream: TcpStream, state: Rc<State>, mut open: watch::Receiver<()>) {
    // Without it answers are slower, not wrong.
    let _ = stream.set_nodelay(true);
    let reset = Reset::default();
    let socket = Socket::new(stream, Rc::clone(&reset));
    let service =
        service_fn(move |request| http::serve(Rc::clone(&state), Rc::clone(&reset), request));
    let connection = http1::Builder::new()
        .keep_alive(true)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    // A connection's error is the client's leaving, or a fault that closes it: both end it.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = open.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
