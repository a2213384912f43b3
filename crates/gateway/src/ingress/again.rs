//! A request that failed before, as it was: from what was kept of it to what it was when it came.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::Version;
use tokio::time::Instant;
use waybill_model::{
    id::{ErrorId, RequestId},
    protocol::{Endpoint, Platform},
    waybill::{Admission, Arrival, Waybill},
};
use waybill_wire::{endpoint, translate::tongue::Tongues};

use super::{Inbound, Peer, Understood};
use crate::{
    app::Shared,
    record::{Journey, capture::Head},
    routing::KeyEntry,
};

/// A request that can go its way again.
pub struct Recalled {
    arrival: Arrival,
    only: Option<Platform>,
    understood: Understood,
}

impl Recalled {
    /// Reads what was kept as a client's request is read.
    ///
    /// # Errors
    /// It is no request of this gateway's any more; says why.
    pub fn new(head: Head, body: Bytes, client_ip: IpAddr) -> Result<Recalled, String> {
        let Head {
            method,
            path,
            protocol,
            endpoint,
            headers,
        } = head;
        let found = endpoint::recognise(&method, path.path(), &headers);
        let Some(found) = found.ok().filter(|found| found.endpoint == endpoint) else {
            return Err(format!(
                "`{method} {}` is no `{endpoint}` any more",
                path.path()
            ));
        };
        let (only, model, span) = (
            found.only,
            found.path_model.map(Arc::from),
            found.path_model_span.clone(),
        );
        let mut arrival = Arrival {
            method,
            stream: endpoint == Endpoint::StreamGenerateContent,
            path,
            // What tells the languages of one path apart may have been the header of a credential.
            protocol,
            endpoint: Some(endpoint),
            model,
            client_ip,
            headers,
            body_bytes: body.len() as u64,
            body,
            sticky: None,
        };
        let understood =
            Understood::of(endpoint, &mut arrival, span).map_err(|refusal| refusal.message)?;
        Ok(Recalled {
            arrival,
            only,
            understood,
        })
    }

    /// What it asks for.
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// What accounts may be spoken to in.
    pub fn tongues(&self) -> Tongues {
        Tongues::open(self.arrival.protocol, self.understood.endpoint)
    }

    /// The platform whose accounts alone may serve it.
    pub fn only(&self) -> Option<Platform> {
        only(self.only, self.understood.endpoint, &self.arrival)
    }

    /// Opens its waybill. From here on it is a request like any other, but for what it says of itself.
    pub fn begin(
        self,
        shared: &Arc<Shared>,
        request_id: RequestId,
        replay_of: ErrorId,
        key: &KeyEntry,
    ) -> Inbound {
        let Recalled {
            arrival,
            only,
            understood,
        } = self;
        let (peer, method) = (Peer::new(arrival.client_ip), arrival.method.clone());
        let mut waybill = Waybill::open(request_id, shared.clock.now(), arrival);
        waybill.replay_of = Some(replay_of);
        waybill.trace = shared.telemetry.context_of_replay(request_id);
        waybill.admission = Some(Admission {
            api_key_id: key.id,
            api_key_name: Arc::clone(&key.name),
            user_id: key.user_id,
            user_name: Arc::clone(&key.user_name),
            auth_latency_ms: 0,
        });
        let journey = Journey::begin(Arc::clone(shared), waybill, peer, Instant::now());
        understood.inbound(journey, method, Version::HTTP_11, only)
    }
}

/// The platform whose accounts alone may serve a request: the one the client asks for by path, else its own
/// where nobody can translate.
pub(super) fn only(
    asked: Option<Platform>,
    endpoint: Endpoint,
    arrival: &Arrival,
) -> Option<Platform> {
    let native = arrival.protocol.native_platform();
    asked.or(endpoint.is_native().then_some(native))
}
