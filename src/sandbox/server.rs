//! Accepts connections, serves them, and closes them.

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
use super::state::ServerState;
use super::{Options, SandboxError};

/// The time that calls in progress have once the sandbox is to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// The pause when the system has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Reports through `ready` if the state could be created, and serves until the other end of
/// `stopped` is dropped.
pub(super) fn run(
    runtime: &Runtime,
    listener: TcpListener,
    options: Options,
    ready: &mpsc::Sender<Result<(), SandboxError>>,
    stopped: oneshot::Receiver<()>,
) {
    let state = match ServerState::new(options) {
        Ok(state) => Rc::new(state),
        Err(error) => {
            // The thread that started this one waits for it.
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
            // An error means that the sender is gone: that is the signal.
            _ = stopped => {}
        }
        drain(closing).await;
    });
}

async fn accept(listener: TcpListener, state: Rc<ServerState>, open: watch::Receiver<()>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::task::spawn_local(serve(stream, Rc::clone(&state), open.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Asks every connection to close after its current answer, and waits for them for a limited time.
async fn drain(closing: watch::Sender<()>) {
    closing.send_replace(());
    let _ = tokio::time::timeout(DRAIN, closing.closed()).await;
}

async fn serve(stream: TcpStream, state: Rc<ServerState>, mut open: watch::Receiver<()>) {
    // If this fails, answers are slower, but not wrong.
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
    // An error means that the client left, or that a fault closes the connection: both end it.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = open.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
